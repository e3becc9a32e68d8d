/** Being told to stop. */

/** An AbortSignal, or anything like one. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** Throws the signal's reason, as `fetch` does. */
export function throwIfAborted(signal: StopSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason ?? new Error('aborted');
}

/** Whether it is the signal that threw this, and not something that failed meanwhile. */
export const isAbort = (e: unknown, signal: StopSignal | undefined): boolean =>
  signal?.aborted === true && e === (signal.reason ?? e); // no reason or null: it threw an Error of ours
