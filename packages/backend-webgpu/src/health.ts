/**
 * What went wrong on a device after a call had returned: a lost device, an error that nobody caught. The first one is
 * kept, and everything that follows throws it. Knows no memory and no program.
 */
import { fail, OstinatoError } from '@ostinato/core/backend';

export interface Health {
  /** Throws what went wrong. `doing` names the call that finds it. */
  check(doing: string): void;
  /** Throws what went wrong, or, where nothing is known, what `error` says. */
  explain(doing: string, error: unknown): never;
  /** Waits until errors of earlier calls have arrived. */
  settled(): Promise<void>;
  /** From here on nobody is told: the device goes on purpose. */
  retire(): void;
}

export function watch(device: GPUDevice): Health {
  let trouble: { readonly lost: boolean; readonly message: string } | undefined;
  let retired = false;
  device.lost.then(({ message, reason }) => {
    // A lost device explains whatever else it reported.
    trouble = { lost: true, message: message || reason || 'no reason given' };
  });
  device.addEventListener('uncapturederror', (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    event.preventDefault();
    trouble ??= { lost: false, message: error.message.split('\n')[0] ?? 'unknown error' };
  });
  const check = (doing: string): void => {
    if (retired)
      fail('disposed', `webgpu: ${doing} on a backend that was disposed. Open another one.`);
    if (!trouble) return;
    const { lost, message } = trouble;
    if (lost)
      fail(
        'device-lost',
        `webgpu: ${doing} failed, the device was lost (${message}). Open a new backend, and go on from the last checkpoint.`,
      );
    fail(
      'out-of-memory',
      `webgpu: ${doing} failed, an earlier call did not fit or was refused (${message}). Free buffers or use smaller batches, and open a new backend.`,
    );
  };
  return {
    check,
    explain(doing, error) {
      check(doing);
      if (error instanceof OstinatoError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      return fail(
        'device-lost',
        `webgpu: ${doing} failed (${message || 'no reason given'}). Open a new backend, and go on from the last checkpoint.`,
        { cause: error },
      );
    },
    // The loss of a device is told in a promise of its own, which settles within a turn of the event loop.
    settled: () => Promise.resolve(),
    retire() {
      retired = true;
    },
  };
}
