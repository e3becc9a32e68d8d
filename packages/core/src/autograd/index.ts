/** Gradients of functions on trees of tensors. */
import { fail } from '../errors.ts';
import { describe, Tensor } from '../graph/tensor.ts';
import { flatten, type Tree } from '../graph/tree.ts';
import { isFloat } from '../ir/dtype.ts';
import { onesLike, zerosLike } from '../ops/elementwise.ts';
import { pick } from '../ops/scan.ts';
import { backward } from './backward.ts';

/** A tree with new names for its tensors: the gradient then is with respect to this use of them only. */
function alias<T>(tree: T): { tree: T; leaves: Tensor[] } {
  const { leaves, shape } = flatten(tree);
  const fresh = leaves.map((t, i) => {
    if (!isFloat(t.dtype))
      fail(
        'not-differentiable',
        `grad: "${shape.paths[i]}" is ${describe(t)}. Only floats have gradients; pass it as a later argument.`,
      );
    return new Tensor({ kind: 'identity', stopsGradient: false }, t.shape, t.dtype, [t], t.label);
  });
  return { tree: shape.build(fresh) as T, leaves: fresh };
}

function lossOf(what: string, loss: unknown): Tensor {
  if (!(loss instanceof Tensor) || loss.rank !== 0 || !isFloat(loss.dtype))
    return fail(
      'not-scalar',
      `${what}: the function must return a scalar loss, got ${loss instanceof Tensor ? describe(loss) : typeof loss}. Reduce it with mean or sum.`,
    );
  return loss;
}

/**
 * Turns `f(params, ...rest) => loss` into a function that gives the loss and its gradient, a tree like `params`. With
 * `valueAndGradAux`, `f` returns `[loss, aux]` and so does the result.
 */
export function valueAndGrad<P extends Tree<P>, A extends readonly unknown[]>(
  f: (params: P, ...rest: A) => Tensor,
): (params: P, ...rest: A) => readonly [loss: Tensor, gradient: P] {
  const g = valueAndGradAux<P, A, null>((params, ...rest) => [f(params, ...rest), null]);
  return (params, ...rest) => {
    const [[loss], gradient] = g(params, ...rest);
    return [loss, gradient];
  };
}

/**
 * `valueAndGrad` for `f(params, ...rest) => [loss, aux]`: gives `[[loss, aux], gradient]`. What `aux` is does not matter; no
 * gradient comes from it.
 */
export function valueAndGradAux<P extends Tree<P>, A extends readonly unknown[], X>(
  f: (params: P, ...rest: A) => readonly [loss: Tensor, aux: X],
): (params: P, ...rest: A) => readonly [readonly [loss: Tensor, aux: X], gradient: P] {
  return (params, ...rest) => {
    const own = alias(params);
    const [out, aux] = f(own.tree, ...rest);
    const loss = lossOf('grad', out);
    const found = backward([loss], [onesLike(loss)], own.leaves);
    const gradient = own.leaves.map((t, i) => found[i] ?? zerosLike(t));
    return [[loss, aux], flatten(params).shape.build(gradient) as P];
  };
}

/** The gradient of `f(params, ...rest) => loss` with respect to its first argument, a tree like it. */
export function grad<P extends Tree<P>, A extends readonly unknown[]>(
  f: (params: P, ...rest: A) => Tensor,
): (params: P, ...rest: A) => P {
  const g = valueAndGrad(f);
  return (params, ...rest) => g(params, ...rest)[1];
}

/** The value of `f` and a function from cotangents of the value to cotangents of the arguments. */
export function vjp<P extends Tree<P>, R extends Tree<R>>(
  f: (primals: P) => R,
  primals: P,
): readonly [value: R, pullback: (cotangents: R) => P] {
  const own = alias(primals);
  const value = f(own.tree);
  const { leaves: roots, shape } = flatten(value);
  const pullback = (cotangents: R): P => {
    const given = flatten(cotangents);
    if (given.shape.text !== shape.text)
      fail(
        'tree-mismatch',
        `vjp: the cotangents are ${given.shape.text}, the value is ${shape.text}. Give a tree like the value.`,
      );
    given.leaves.forEach((g, i) => {
      const r = roots[i] as Tensor;
      if (`${g.shape}` !== `${r.shape}` || g.dtype !== r.dtype)
        fail(
          'shape-mismatch',
          `vjp: the cotangent "${shape.paths[i]}" is ${describe(g)}, the value ${describe(r)}. Give it the value's shape and type.`,
        );
    });
    const found = backward(roots, given.leaves, own.leaves);
    const out = own.leaves.map((t, i) => found[i] ?? zerosLike(t));
    return flatten(primals).shape.build(out) as P;
  };
  return [value, pullback];
}

/**
 * A function with a gradient of its own: straight-through estimators, surrogate gradients of spikes, stable forms.
 * `vjp(inputs, output, cotangent)` gives one cotangent (or null) per input. The rule is itself differentiable, and `output`
 * has it as its gradient. What `f` mentions from outside gets no gradient: give it as an input.
 */
export function customGradient<I extends readonly Tensor[]>(
  f: (...inputs: I) => Tensor,
  vjpRule: (inputs: I, output: Tensor, cotangent: Tensor) => readonly (Tensor | null)[],
  label = 'custom',
): (...inputs: I) => Tensor {
  return (...inputs) => {
    const y = f(...inputs);
    const rule = {
      label,
      outputs: 1,
      vjp: (xs: readonly Tensor[], ys: readonly Tensor[], gs: readonly (Tensor | null)[]) =>
        gs[0] ? vjpRule(xs as I, ys[0] as Tensor, gs[0]) : xs.map(() => null),
    };
    const node = new Tensor({ kind: 'custom', rule }, [], y.dtype, [y, ...inputs], label);
    return pick(node, 0);
  };
}
