/** What a cell is: two pure functions and its parameters. Knows nothing of time, batches of sequences or gradients. */
import type { Key, Tensor } from '@ostinato/core';

/** How a sequence is run, as `prepare` sees it. */
export interface Preparation {
  /** For masks that are drawn once per sequence. Only to be used in training. */
  readonly key: Key;
  readonly training: boolean;
}

/**
 * One time step of a recurrent network. `P` parameters, `S` state, `X` input and `Y` output are trees of tensors: plain
 * records, arrays and null. Every leaf of state, input and output has the batch as its first axis.
 *
 * Nothing is inherited and nothing registered: any object with these functions is a cell, and gets what `lstm` gets.
 */
export interface Cell<P, S, X = Tensor, Y = Tensor, C = void> {
  /** A name for errors, printed programs and generated kernels. */
  readonly label?: string;
  /** Fresh parameters. */
  init(key: Key): P;
  /** The state before the first step: zeros, or a parameter repeated over the batch. */
  start(params: P, batch: number): S;
  /** What is the same in all steps of a sequence, made once: dropout masks, normalised weights, an attended memory. */
  prepare?(params: P, how: Preparation): C;
  /** One step: the next state, in the shapes that it came in, and the output. */
  step(params: P, state: S, x: X, context: C): readonly [state: S, output: Y];
  /**
   * Values that `step` computes on its way, by name, for those who want to look inside: gates. `step` is made of the
   * same function, so that there is one definition. Absent: there is nothing to see but state and output.
   */
  gates?(params: P, state: S, x: X, context: C): Gates;
}

/** By the names of the cell's equations; each has the batch as its first axis. */
export type Gates = Readonly<Record<string, Tensor>>;
