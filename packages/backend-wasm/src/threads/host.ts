/** Whether threads can run where we are, and how many. Knows hosts; starts nothing, so that a page loads little. */

export interface NodeThreads {
  Worker: new (
    source: string,
    options: { eval: true },
  ) => {
    postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
    on(event: 'message' | 'error', listener: (value: unknown) => void): void;
    ref(): void;
    unref(): void;
    terminate(): Promise<number>;
  };
}

const host = globalThis as {
  process?: { getBuiltinModule?: (name: string) => unknown };
  crossOriginIsolated?: boolean;
  navigator?: { hardwareConcurrency?: number };
};

const builtin = (name: string): unknown => host.process?.getBuiltinModule?.(name);

export const nodeThreads = (): NodeThreads | undefined =>
  builtin('node:worker_threads') as NodeThreads | undefined;

/** Why threads cannot run here; undefined if they can. */
export function noThreads(): string | undefined {
  if (nodeThreads()) return undefined;
  if (typeof Worker === 'undefined') return 'no workers';
  if (host.crossOriginIsolated !== true) return 'the page is not cross-origin isolated';
  return undefined;
}

/** Whether this thread may wait for others; a page's own may not. */
export function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1); // returns at once, since there is no 1
    return true;
  } catch {
    return false;
  }
}

/** Threads that the machine runs at once. */
export function parallelism(): number {
  const os = builtin('node:os') as { availableParallelism(): number } | undefined;
  return os?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
}
