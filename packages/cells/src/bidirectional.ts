/** Two cells over one sequence, one in each direction. */
import {
  add,
  checkOptions,
  concat,
  fail,
  type Key,
  keys,
  mapTree,
  mul,
  named,
  type Tensor,
  type Tree,
} from '@ostinato/core';
import type { Cell } from './cell.ts';
import { checkCell, checkChoice } from './check.ts';
import {
  checkHow,
  type Recurrent,
  type RecurrentHow,
  type Returned,
  type Returns,
} from './layer.ts';
import type { PaddedOutput } from './padded-output.ts';
import { recurrent } from './recurrent.ts';

/** How the outputs of the two directions become one; 'none' gives the pair. */
export type Merge = 'concat' | 'sum' | 'mul' | 'average' | 'none';

export interface BidirectionalOptions<M extends Merge, R extends Returns> {
  readonly merge: M;
  /** 'last' is the forward output of the last step with the backward output of the first (Keras; PyTorch's h_n). */
  readonly returns: R;
  /** What a sequence holds where a step does not count: as in `recurrent`, for each direction before they are merged. */
  readonly paddedOutput?: PaddedOutput | undefined;
  readonly label?: string | undefined;
}

/** One of a kind for each direction. */
export interface Directions<T> {
  readonly forward: T;
  readonly backward: T;
}

export type Merged<M extends Merge, Y> = M extends 'none' ? Directions<Y> : Y;

/**
 * Runs one cell forward and one backward, each with parameters and a state of its own (Schuster & Paliwal 1997). Only
 * the steps that count are reversed, and outputs of both directions stand at the step that they belong to.
 */
export function bidirectional<
  P,
  S extends Tree<S>,
  X extends Tree<X>,
  Y extends Tree<Y>,
  C,
  const M extends Merge,
  const R extends Returns,
>(
  cell: Cell<P, S, X, Y, C> | readonly [Cell<P, S, X, Y, C>, Cell<P, S, X, Y, C>],
  options: BidirectionalOptions<M, R>,
): Recurrent<Directions<P>, Directions<S>, X, Returned<R, Directions<S>, Merged<M, Y>>> {
  checkOptions('bidirectional', options, 'merge, returns, paddedOutput, label');
  const { merge, returns, paddedOutput = 'zero', label = 'bidirectional' } = options;
  checkChoice('bidirectional', 'merge', merge, Object.keys(merges));
  if (Array.isArray(cell) && cell.length !== 2)
    fail(
      'option-invalid',
      `bidirectional: got a list of ${cell.length} cells. Give one for both directions, or two.`,
    );
  const [first, second] = isPair(cell) ? cell : [cell, cell];
  for (const one of [first, second]) checkCell('bidirectional', one);
  const layers = {
    forward: recurrent(first, { returns, paddedOutput, label: 'forward' }),
    backward: recurrent(second, { returns, paddedOutput, label: 'backward', reverse: true }),
  };
  type Out = Returned<R, Directions<S>, Merged<M, Y>>;
  const unroll = (
    params: Directions<P>,
    x: X,
    how: RecurrentHow<Directions<S>> = {},
  ): { output: Out; state: Directions<S> } =>
    named(label, () => {
      checkHow('bidirectional', how);
      const { initial, key, ...rest } = how;
      const [forwardKey, backwardKey] = key ? (keys(key, 2) as [Key, Key]) : [];
      const run = (way: 'forward' | 'backward', own: Key | undefined) =>
        layers[way].unroll(params[way], x, { ...rest, key: own, initial: initial?.[way] });
      const [a, b] = [run('forward', forwardKey), run('backward', backwardKey)];
      const state = { forward: a.state, backward: b.state };
      const join = (f: unknown, g: unknown): unknown => merges[merge](f, g);
      if (returns !== 'both') return { output: join(a.output, b.output) as Out, state };
      const [f, g] = [a.output, b.output] as unknown as [Parts, Parts];
      const output = { sequence: join(f.sequence, g.sequence), last: join(f.last, g.last), state };
      return { output: output as Out, state };
    });
  return {
    label,
    returns,
    init: (key) =>
      named(label, () => {
        const [forward, backward] = keys(key, 2) as [Key, Key];
        return { forward: layers.forward.init(forward), backward: layers.backward.init(backward) };
      }),
    apply: (params, x, how) => unroll(params, x, how).output,
    unroll,
  };
}

interface Parts {
  readonly sequence: unknown;
  readonly last: unknown;
}

const isPair = <T>(x: T | readonly [T, T]): x is readonly [T, T] => Array.isArray(x);

/** Outputs of two sizes would broadcast where one of them is 1. */
const elementwise =
  (merge: (forward: Tensor, backward: Tensor) => Tensor) =>
  (forward: unknown, backward: unknown): unknown =>
    mapTree(
      (f, b) => {
        if (`${f.shape}` !== `${b.shape}`)
          fail(
            'shape-mismatch',
            `bidirectional: the outputs are ${f.dtype}[${f.shape}] forward and ${b.dtype}[${b.shape}] backward. Give two cells of the same units, or merge: 'concat'.`,
          );
        return merge(f, b as typeof f);
      },
      forward,
      backward,
    );

const merges: Record<Merge, (forward: unknown, backward: unknown) => unknown> = {
  concat: (f, b) => mapTree((x, y) => concat([x, y as typeof x], -1), f, b),
  sum: elementwise(add),
  mul: elementwise(mul),
  average: elementwise((f, b) => mul(add(f, b), 0.5)),
  none: (forward, backward) => ({ forward, backward }),
};
