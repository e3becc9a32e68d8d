/** The one error of this package and its codes. Knows no data set. */
import type { HostKey } from '@ostinato/core/random';

/** argument-invalid: the caller's value; data-missing: nothing there; data-broken: there, but not as promised; download-failed: the network, the server or the disk that it goes to. */
export type DatasetErrorCode =
  | 'argument-invalid'
  | 'data-missing'
  | 'data-broken'
  | 'download-failed';

/** Its message says what failed, what was found, and what to do. */
export class DatasetError extends Error {
  readonly code: DatasetErrorCode;

  constructor(code: DatasetErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'DatasetError';
    this.code = code;
  }
}

/** Refuses a value that is no whole number of at least `least`. */
export function requireCount(what: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new DatasetError(
    'argument-invalid',
    `${what} is a whole number of at least ${least}, got ${String(value)}. Pass such a number.`,
  );
}

/** Refuses a seed in the place of its key: it has no words, so every seed would give one order. */
export function requireKey(who: string, key: HostKey): void {
  if (Array.isArray(key) && key.length === 2) return;
  throw new DatasetError(
    'argument-invalid',
    `${who}: key is ${String(key)}. Pass a key: hostKey(seed).`,
  );
}
