/** Being told to stop. */

/** An AbortSignal, or anything like one. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** What was thrown for signals that give no reason, or null. */
const ours = new WeakSet<object>();

/** Throws the signal's reason, as `fetch` does. */
export function throwIfAborted(signal: StopSignal | undefined): void {
  if (!signal?.aborted) return;
  if (signal.reason != null) throw signal.reason;
  const error = new Error('aborted');
  ours.add(error);
  throw error;
}

/** Whether it is the signal that threw this, and not something that failed meanwhile. */
export const isAbort = (e: unknown, signal: StopSignal | undefined): boolean =>
  signal?.aborted === true && (signal.reason == null ? ours.has(e as object) : e === signal.reason);
