/** Every error that core throws: a code with a docs page, a text that says what, got and do, and where it happened. */

/** Code -> title of its page in docs/errors. */
export const errorCodes = {
  'shape-mismatch': 'Shapes do not fit together',
  'shape-invalid': 'A shape is not a list of positive whole numbers',
  'axis-out-of-range': 'An axis does not exist',
  'dtype-mismatch': 'Element types do not fit together',
  'not-broadcastable': 'A shape cannot be broadcast to another',
  'einsum-spec': 'An einsum specification cannot be read',
  'index-out-of-range': 'An index lies outside the table',
  'scan-carry-changed': 'A scan step returned another carry than it received',
  'scan-empty': 'A scan has nothing to run over',
  'scan-lengths': 'Lengths or a mask do not fit the scan',
  'escaped-tensor': 'A tensor from inside a traced function was used outside it',
  'not-run': 'A tensor has no value yet',
  disposed: 'A tensor was used after it was disposed',
  donated: 'A tensor was used after it was donated',
  'wrong-backend': 'A tensor belongs to another backend',
  'not-scalar': 'A gradient needs a scalar loss',
  'not-differentiable': 'A gradient was asked for something that has none',
  'custom-gradient': 'A custom gradient does not fit its function',
  'tree-mismatch': 'Two trees have different structure',
  'tree-leaf': 'A value cannot be a leaf of a tree of tensors',
  'host-array': 'A host array does not fit',
  'key-invalid': 'A random key or seed is not valid',
  'slot-too-large': 'A value does not fit one buffer of the backend',
  'program-invalid': 'A program breaks the rules of the format',
  'unsupported-dtype': 'The backend has no such element type',
  'out-of-memory': 'The device has no room for a buffer',
  'compiled-disposed': 'A compiled function was called after it was disposed',
  'no-backend': 'No backend opens',
  'no-adapter': 'There is no GPU to compute on',
  'device-lost': 'The device was taken away',
  'option-invalid': 'An option has a value that makes no sense',
  'data-invalid': 'Training data do not fit together',
  'checkpoint-damaged': 'A checkpoint was cut off or changed',
  'checkpoint-foreign': 'A file is not a checkpoint that can be read here',
  'checkpoint-mismatch': 'A checkpoint belongs to another model or run',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What is thrown on purpose: `docs/errors` has a page for each `code`. */
export class OstinatoError extends Error {
  override readonly name = 'OstinatoError';
  readonly code: ErrorCode;
  /** Where in the user's named scopes it happened, such as `encoder/lstm/step`; empty at the top. */
  readonly path: string;

  constructor(code: ErrorCode, message: string, path: string, options?: ErrorOptions) {
    super(`${message}${path ? ` (in ${path})` : ''} [${code}]`, options);
    this.code = code;
    this.path = path;
  }
}

// Names of the scopes being traced. Tracing is synchronous, so a stack that `named` restores cannot leak.
const path: string[] = [];

export const currentPath = (): string => path.join('/');

/** A name in the scope being traced. */
export const scoped = (name: string): string => [...path, name].join('/');

/** Runs `f` under a name that errors, printed programs and generated kernels show. */
export function named<R>(name: string, f: () => R): R {
  path.push(name);
  try {
    return f();
  } finally {
    path.pop();
  }
}

/** A value in a message: text in quotes, so that "3" is not taken for 3. */
export const shown = (x: unknown): string =>
  typeof x === 'string'
    ? `"${x}"`
    : Object(x) === x
      ? `a ${(x as object).constructor?.name ?? 'object of a class'}`
      : String(x);

/** The words of a text such as "one, two". */
type Words<S extends string> = S extends `${infer Word}, ${infer Rest}` ? Word | Words<Rest> : S;

/** The text itself where its words are all names of the options and no others. */
type NamesOf<O, S extends string> = [keyof O, Words<S>] extends [Words<S>, keyof O] ? S : never;

/**
 * Refuses an option that is misspelt, and what is no record of options: both would be ignored without a word.
 *
 * @param names of all options, such as 'axes, keepDims'; held by the compiler to be those of the type
 */
export function checkOptions<O extends object, S extends string>(
  what: string,
  options: O,
  names: S & NamesOf<O, S>,
): void {
  if (typeof options !== 'object' || options === null)
    fail('option-invalid', `${what}: options are ${shown(options)}. Give a record of ${names}.`);
  for (const name in options)
    if (!names.split(', ').includes(name))
      fail('option-invalid', `${what}: there is no option "${name}". Options are ${names}.`);
}

/** Throws an error with a code. The message says what, got and do. */
export function fail(code: ErrorCode, message: string, options?: ErrorOptions): never {
  throw new OstinatoError(code, message, currentPath(), options);
}
