/** What can be trained, and what its trees look like on the host. Knows no data, no optimiser and no backend. */
import type { HostArray, HostInput, Key, Tensor } from '@ostinato/core';

/** How a model is applied. */
export interface ModelHow {
  /** A fresh one for each step of training. */
  readonly key: Key;
  readonly training: boolean;
  /** int32 [B], where the data have lengths. */
  readonly lengths?: Tensor | undefined;
  /** bool [B, T], where the data have a mask. */
  readonly mask?: Tensor | undefined;
}

/** Parameters and a pure function of them: any layer of `@ostinato/layers` or `@ostinato/cells`, or a record of one's own. */
export interface Model<P, X = Tensor> {
  init(key: Key): P;
  /** Outputs [B, ...], for the loss. */
  apply(params: P, inputs: X, how: ModelHow): Tensor;
}

/** A tree of tensors after it was read: the same tree of host arrays. */
export type HostTree<T> = T extends Tensor
  ? HostArray
  : T extends object
    ? { readonly [K in keyof T]: HostTree<T[K]> }
    : T;

/**
 * The way back from `HostTree`. Lists lose their `readonly`, for the parameters may have had none, and one without fits
 * both.
 */
export type TensorTree<T> = T extends Tensor | HostInput
  ? Tensor
  : T extends object
    ? { -readonly [K in keyof T]: TensorTree<T[K]> }
    : T;

/** Parameters as callers may give them: read before, made by hand, or tensors on the backend. */
export type ParamsInput<T> = T extends Tensor
  ? Tensor | HostInput
  : T extends object
    ? { readonly [K in keyof T]: ParamsInput<T[K]> }
    : T;
