/** What a layer is, with or without a state. Shared by `@ostinato/layers`, which lies above this package. */
import { checkOptions, type Key, type Tensor } from '@ostinato/core';

/** How a layer is applied. A layer takes from it what concerns it and ignores the rest. */
export interface How {
  /** For random numbers, in training only. */
  readonly key?: Key | undefined;
  readonly training?: boolean | undefined;
  /** Valid steps of each row, int32 [batch], 0 allowed: the first `lengths[b]` steps of row b count. */
  readonly lengths?: Tensor | undefined;
  /** Which steps of which rows count, bool [batch, time]: left padding, gaps, anything. */
  readonly mask?: Tensor | undefined;
  /** Steps per segment whose values are recomputed in the backward pass (see `scan`); `true` picks the root. */
  readonly checkpoint?: number | true | undefined;
}

/** Parameters and a pure function of them. `P`, `X` and `Y` are trees of tensors. */
export interface Layer<P, X = Tensor, Y = Tensor> {
  readonly label?: string;
  init(key: Key): P;
  apply(params: P, x: X, how?: How): Y;
}

/** Which outputs a layer over time gives. */
export type Returns = 'last' | 'sequence' | 'both';

export interface Both<S, Y> {
  /** The output of each step, [batch, time, ...]; zero where a step does not count. */
  readonly sequence: Y;
  /** The output of the last step that counts, [batch, ...]. In reverse that is the first in time. */
  readonly last: Y;
  /** The state behind that step. */
  readonly state: S;
}

export type Returned<R extends Returns, S, Y> = R extends 'both' ? Both<S, Y> : Y;

export interface RecurrentHow<S> extends How {
  /** The state to start from instead of the cell's own: what an earlier call returned. */
  readonly initial?: S | undefined;
}

/** Refuses what no layer takes. What another layer of the same row takes is ignored. */
export function checkHow(what: string, how: RecurrentHow<unknown>): void {
  checkOptions(what, how, 'key, training, lengths, mask, checkpoint, initial');
}

/** A layer over time that can say where it ended. */
export interface Recurrent<P, S, X = Tensor, Y = Tensor> extends Layer<P, X, Y> {
  readonly returns: Returns;
  apply(params: P, x: X, how?: RecurrentHow<S>): Y;
  /** `apply` and the final state, for streams and truncated backpropagation. */
  unroll(params: P, x: X, how?: RecurrentHow<S>): { readonly output: Y; readonly state: S };
}
