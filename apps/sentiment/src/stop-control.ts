/** Ctrl-C and its like: the first asks for a checkpoint and an end, the second ends at once. Knows no job. */
import { constants } from 'node:os';
import process from 'node:process';

/** One press can arrive twice, from the terminal and from whoever started us; two presses are further apart. */
const ONE_PRESS_MS = 500;

export type Signal = 'SIGINT' | 'SIGTERM';
const SIGNALS = ['SIGINT', 'SIGTERM'] as const satisfies readonly Signal[];

export const exitCodeOf = (signal: Signal): number => 128 + constants.signals[signal];

export interface Stop {
  readonly softly: () => void;
  readonly atOnce: () => void;
}

export interface StopControl {
  /** The first signal that came, or null. */
  readonly signal: Signal | null;
  /** How to stop what runs now, if anything does. */
  stop: Stop | null;
  close(): void;
}

export function stopControl(): StopControl {
  let first: { readonly signal: Signal; readonly at: number } | null = null;
  const onSignal = (signal: Signal): void => {
    if (first === null) {
      first = { signal, at: performance.now() };
      console.error('\nstopping, with a checkpoint (again: at once)');
      control.stop?.softly();
    } else if (performance.now() - first.at > ONE_PRESS_MS) {
      // Files are renamed into place when they are whole, so the last checkpoint stays good.
      control.stop?.atOnce();
      console.error('stopped at once; --resume goes on from the last checkpoint');
      process.exit(exitCodeOf(signal));
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const control: StopControl = {
    get signal() {
      return first?.signal ?? null;
    },
    stop: null,
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
  return control;
}
