/**
 * The control block: how the thread that leads and those that help meet, in shared memory. What workers need of it is part of
 * their text too, so `share`, `fork` and `join` refer to nothing but their arguments. Knows no host and no program.
 */
import type { Kernel } from '../jobs.ts';

/** Words of the block. A job's arguments follow. */
export const word = {
  generation: 0,
  /** How many helpers have not finished. */
  left: 1,
  /** Set by a helper whose job threw. */
  failed: 2,
  operation: 3,
  program: 4,
  function: 5,
  total: 6,
  count: 7,
  arguments: 8,
} as const;

export type Words = typeof word;

/** What helpers are to do: their part of a job, or to go back to their event loop for one message. */
export const operation = { run: 0, receive: 1 } as const;

/** Bytes of the block. */
export const CONTROL_BYTES = 4096;

/** Arguments that one job can have. */
export const MOST_ARGUMENTS = CONTROL_BYTES / 4 - word.arguments;

/** How often a waiting thread looks before it sleeps: some tens of microseconds, so that a busy machine loses little. */
export const SPINS = 20_000;

/** The part of `total` that thread `index` of `threads` computes. */
export const share = (
  total: number,
  index: number,
  threads: number,
): { first: number; count: number } => {
  const first = Math.floor((total * index) / threads);
  return { first, count: Math.floor((total * (index + 1)) / threads) - first };
};

/** How much of `total` such a part may be. */
export const sharesOf = (total: number, threads: number): readonly number[] => [
  ...new Set([Math.ceil(total / threads), Math.floor(total / threads)]),
];

/** All parts one after another, where others have no time for theirs: kernels have code for no other shares. */
export function inTurn(
  kernel: Kernel,
  args: readonly number[],
  total: number,
  threads: number,
): void {
  for (let k = 0; k < threads; k++) {
    const { first, count } = share(total, k, threads);
    kernel(...args, first, count, 0);
  }
}

/** Sets `helpers` to work on what the block says. */
export const fork = (control: Int32Array, words: Words, helpers: number): void => {
  Atomics.store(control, words.left, helpers);
  Atomics.add(control, words.generation, 1);
  Atomics.notify(control, words.generation);
};

/** Waits until all have finished. */
export const join = (control: Int32Array, words: Words, spins: number): void => {
  for (let k = 0; k < spins; k++) if (Atomics.load(control, words.left) === 0) return;
  for (;;) {
    const left = Atomics.load(control, words.left);
    if (left === 0) return;
    Atomics.wait(control, words.left, left);
  }
};
