/** Bounds for gradients. Knows trees of gradients; knows no optimiser. */
import {
  add,
  cast,
  clip,
  div,
  fail,
  leavesOf,
  mapTree,
  minimum,
  mul,
  shown,
  sqrt,
  square,
  sum,
  type Tensor,
} from '@ostinato/core';

/** The Euclidean norm of all elements of all tensors of a tree, a float32 scalar. */
export function globalNorm(tree: unknown): Tensor {
  const squares = leavesOf(tree).map((g) => cast(sum(square(g)), 'float32'));
  if (squares.length === 0)
    fail(
      'tree-leaf',
      'globalNorm: the tree has no tensors. Give gradients of at least one parameter.',
    );
  return sqrt(squares.reduce((a, b) => add(a, b)));
}

/**
 * Scales gradients so that their global norm is at most `maxNorm`: by maxNorm / (norm + 1e-6) where that is below 1.
 * PyTorch's `clip_grad_norm_` (Pascanu, Mikolov and Bengio, ICML 2013). Where the norm is infinite, as where squares
 * overflow, finite gradients become zero and others NaN; all of them are NaN where one is, or where maxNorm is infinite too.
 *
 * @returns the scaled gradients and the norm before, a scalar
 */
export function clipByGlobalNorm<G>(
  gradients: G,
  maxNorm: number,
): { readonly gradients: G; readonly norm: Tensor } {
  requireBound('clipByGlobalNorm: maxNorm', maxNorm);
  const norm = globalNorm(gradients); // []
  const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1); // []
  const scaled = mapTree((g) => mul(g, cast(factor, g.dtype)), gradients) as G;
  return { gradients: scaled, norm };
}

/** The same for each tensor by itself: its own norm is at most `maxNorm`. Keras' `clipnorm`. */
export const clipByNorm = <G>(gradients: G, maxNorm: number): G =>
  mapTree((g) => clipByGlobalNorm(g, maxNorm).gradients, gradients) as G;

/** Keeps each element within [-bound, bound]. PyTorch's `clip_grad_value_`. */
export function clipByValue<G>(gradients: G, bound: number): G {
  requireBound('clipByValue: bound', bound);
  return mapTree((g) => clip(g, -bound, bound), gradients) as G;
}

function requireBound(what: string, bound: number): void {
  if (typeof bound === 'number' && bound > 0) return;
  fail('option-invalid', `${what} is ${shown(bound)}. Give a number above 0.`);
}
