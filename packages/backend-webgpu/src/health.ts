/**
 * What went wrong on a device after a call had returned: a lost device, an error that nobody caught. The first one is
 * kept, and everything that follows throws it. Knows no memory and no program.
 */
import { type ErrorCode, fail } from '@ostinato/core/backend';

export interface Health {
  /** Throws what went wrong. `doing` names the call that finds it. */
  check(doing: string): void;
  /** Throws what went wrong, or, where nothing is known, what `error` says. */
  explain(doing: string, error: unknown): never;
  /** The device goes on purpose: from here on every call is one too many. */
  retire(): void;
}

interface Trouble {
  readonly code: ErrorCode;
  readonly what: string;
  readonly way: string;
}

const lost = (message: string): Trouble => ({
  code: 'device-lost',
  what: `the device was lost (${message || 'no reason given'})`,
  way: 'Open a new backend, and go on from the last checkpoint.',
});

/** As far as it is needed: tests have a device of their own. */
export type Watched = Pick<GPUDevice, 'lost' | 'addEventListener'>;

export function watch(device: Watched): Health {
  let trouble: Trouble | undefined;
  device.lost
    .then(({ message, reason }) => {
      // A lost device explains whatever else it reported.
      if (trouble?.code !== 'disposed') trouble = lost(message || reason);
    })
    .catch(() => undefined); // it never rejects
  device.addEventListener('uncapturederror', (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    event.preventDefault();
    trouble ??= refused(error);
  });
  const check = (doing: string): void => {
    if (trouble) fail(trouble.code, `webgpu: ${doing} failed: ${trouble.what}. ${trouble.way}`);
  };
  return {
    check,
    explain(doing, error) {
      check(doing);
      const { what, way } = lost(error instanceof Error ? error.message : String(error));
      return fail('device-lost', `webgpu: ${doing} failed: ${what}. ${way}`, { cause: error });
    },
    retire() {
      trouble = {
        code: 'disposed',
        what: 'the backend was disposed',
        way: 'Open another one.',
      };
    },
  };
}

function refused(error: GPUError): Trouble {
  const message = error.message.split('\n')[0] || 'no reason given';
  if (error.constructor.name === 'GPUOutOfMemoryError')
    return {
      code: 'out-of-memory',
      what: `an earlier buffer did not fit (${message})`,
      way: 'Free buffers or use smaller batches, and open a new backend.',
    };
  return {
    code: 'program-invalid',
    what: `the device refused an earlier call (${message})`,
    way: 'This is a fault of backend-webgpu: please report it. Open a new backend to go on.',
  };
}
