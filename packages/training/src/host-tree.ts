/** Trees of tensors and trees of host arrays, made from each other. Knows no model. */
import {
  fail,
  flatten,
  type HostArray,
  type HostInput,
  mapTree,
  Tensor,
  tensor,
} from '@ostinato/core';
import type { HostTree, ParamsInput, TensorTree } from './model.ts';

export const isHostArray = (x: unknown): x is HostInput =>
  typeof x === 'object' && x !== null && !(x instanceof Tensor) && 'data' in x && 'shape' in x;

export const isArrayOrTensor = (x: unknown): x is HostInput | Tensor =>
  x instanceof Tensor || isHostArray(x);

/** Reads all tensors of a tree at once. */
export async function readTree<T>(tree: T): Promise<HostTree<T>> {
  const { leaves, shape } = flatten(tree);
  return shape.build(await Promise.all(leaves.map((t) => t.read()))) as HostTree<T>;
}

/**
 * A tree of host arrays as one of tensors, which are copies; what is a tensor stays. For `run`, to bring it to a backend.
 * It is the tree that `readTree` or `decodeParams` had, or the `T` that the caller says.
 */
export function tensorTree<T = never>(tree: ParamsInput<NoInfer<T>>): T; // never fits, so that `H` is inferred instead
export function tensorTree<H>(tree: H): TensorTree<H>;
export function tensorTree(tree: unknown): unknown {
  const { leaves, shape } = flatten<Tensor | HostInput>(tree, isArrayOrTensor);
  return shape.build(
    leaves.map((x) => (x instanceof Tensor ? x : tensor(x, dtypeOption(x as HostArray)))),
  );
}

const dtypeOption = (x: HostArray): { dtype?: HostArray['dtype'] } =>
  x.dtype === undefined ? {} : { dtype: x.dtype };

/** Refuses a tree of tensors that differs from `like` in structure, shapes or types. */
export function requireLike(what: string, tree: unknown, like: unknown): void {
  mapTree(
    (wanted, got) => {
      if (`${got.shape}` !== `${wanted.shape}` || got.dtype !== wanted.dtype)
        fail(
          'shape-mismatch',
          `${what}: got ${got.dtype}[${got.shape}] where the model has ${wanted.dtype}[${wanted.shape}] "${wanted.label}". Give parameters of this model.`,
        );
      return wanted;
    },
    like,
    tree,
  );
}
