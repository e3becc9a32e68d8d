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

// As in core's errors.ts, of which this package sees random numbers alone.
/** The words of a text such as "one, two". */
type Words<S extends string> = S extends `${infer Word}, ${infer Rest}` ? Word | Words<Rest> : S;

/** The text itself where its words are all names of the options and no others. */
type NamesOf<O, S extends string> = [keyof O, Words<S>] extends [Words<S>, keyof O] ? S : never;

/**
 * Refuses an option that is misspelt, and what is no record of options: both would be ignored without a word.
 *
 * @param names of all options, such as 'size, key'; held by the compiler to be those of the type
 */
export function checkOptions<O extends object, S extends string>(
  who: string,
  options: O,
  names: S & NamesOf<O, S>,
): void {
  const isRecord = typeof options === 'object' && options !== null;
  const unknown =
    isRecord && Object.keys(options).find((name) => !names.split(', ').includes(name));
  if (isRecord && unknown === undefined) return;
  const got = isRecord ? `there is no option "${unknown}"` : `options are ${shown(options)}`;
  throw new DatasetError('argument-invalid', `${who}: ${got}. Pass a record of ${names}.`);
}

/** Text in quotes, so that "3" is not taken for 3. */
const shown = (x: unknown): string => (typeof x === 'string' ? JSON.stringify(x) : String(x));

/** Refuses a value that is no whole number of at least `least`. */
export function requireCount(what: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new DatasetError(
    'argument-invalid',
    `${what} is a whole number of at least ${least}, got ${shown(value)}. Pass such a number.`,
  );
}

/** Refuses a seed in the place of its key: it has no words, so every seed would give one order. */
export function requireKey(who: string, key: HostKey): void {
  if (Array.isArray(key) && key.length === 2) return;
  throw new DatasetError(
    'argument-invalid',
    `${who}: key is ${shown(key)}. Pass a key: hostKey(seed).`,
  );
}
