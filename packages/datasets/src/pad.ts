/**
 * Sequences of ids to one rectangle, with the rules of Keras' `pad_sequences` (keras/src/utils/sequence_utils.py).
 * Knows no words: what an id means is said in vocabulary.ts.
 */
import { checkOptions, DatasetError, requireCount } from './errors.ts';
import type { HostArray } from './host-array.ts';

/** `pre`: at the beginning; `post`: at the end. */
export type Side = 'pre' | 'post';

export interface PadOptions {
  /** Steps in each row; the longest sequence's where absent. */
  readonly maxlen?: number | undefined;
  /** Where the padding goes. Default `pre`, as in Keras. */
  readonly padding?: Side | undefined;
  /** Where a sequence that is too long loses steps. Default `pre`, as in Keras: its last `maxlen` steps stay. */
  readonly truncation?: Side | undefined;
  /** The id of padding. Default 0. */
  readonly value?: number | undefined;
}

export interface PaddedSequences extends HostArray<Int32Array>, Padding {
  /** [n, maxlen] */
  readonly shape: readonly [number, number];
  readonly lengths: Int32Array;
}

/** Which steps are padding, of whatever the rows are made of. */
export interface Padding {
  /** [n, maxlen, ...] */
  readonly shape: readonly number[];
  /**
   * [n], steps of each row that are not padding, after truncation. They say which only together with the side: where a model
   * takes lengths, steps count from the first on, and padding on the left needs a mask.
   */
  readonly lengths: ArrayLike<number>;
  readonly padding: Side;
}

/**
 * Pads and truncates each sequence to the same number of steps.
 *
 * Keras' option `truncating` is `truncation` here. Two differences from Keras, both errors here: `maxlen: 0` (Keras
 * slices `s[-0:]`, the whole sequence, and then fails on the shape), and ids that are no int32 (NumPy rounds them).
 *
 * @param sequences n sequences of int32 ids, of any lengths, 0 among them
 * @returns ids of shape [n, maxlen] and lengths of shape [n]
 * @throws DatasetError `argument-invalid`: no sequences and no `maxlen`, a bad option, an id that is no int32
 */
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options: PadOptions = {},
): PaddedSequences {
  checkOptions('padSequences', options, 'maxlen, padding, truncation, value');
  const { padding = 'pre', truncation = 'pre', value = 0 } = options;
  requireSide('padSequences: padding', padding);
  requireSide('padSequences: truncation', truncation);
  requireInt32(value, 'the option "value"');
  sequences.forEach((sequence: unknown, row) => {
    const { length } = (sequence ?? {}) as { readonly length?: unknown };
    if (!(Number.isInteger(length) && (length as number) >= 0) || typeof sequence === 'string')
      throw new DatasetError(
        'argument-invalid',
        `padSequences: sequence ${row} is ${typeof sequence === 'string' ? 'a text' : String(sequence)}. Pass an array of ids for each text.`,
      );
  });
  const maxlen = options.maxlen ?? longest(sequences);
  if (options.maxlen !== undefined) requireCount('padSequences: maxlen', maxlen);

  const data = new Int32Array(sequences.length * maxlen).fill(value);
  const lengths = new Int32Array(sequences.length);
  sequences.forEach((sequence, row) => {
    const length = Math.min(sequence.length, maxlen);
    const from = truncation === 'pre' ? sequence.length - length : 0;
    const to = row * maxlen + (padding === 'pre' ? maxlen - length : 0);
    for (let step = 0; step < length; step++) {
      data[to + step] = requireInt32(sequence[from + step], `sequence ${row}, step ${from + step}`);
    }
    lengths[row] = length;
  });
  return { data, shape: [sequences.length, maxlen], lengths, padding };
}

/**
 * Which steps are valid. Left padding needs this mask: lengths alone mean that a row is valid from its first step on.
 * Training takes it as it is; for a layer it becomes `tensor(mask, { dtype: 'bool' })`.
 *
 * @param padded what `padSequences` gave, or the same of rows of one's own
 * @returns uint8 of shape [n, maxlen]: 1 where the step is valid, 0 where it is padding
 * @throws DatasetError `argument-invalid`: as many lengths as rows are missing, a length that is no whole number from 0 to
 * `maxlen`, a side that is none
 */
export function paddingMask(padded: Padding): HostArray<Uint8Array> {
  const { shape, lengths, padding } = padded;
  const [rows = 0, maxlen = 0] = shape ?? [];
  if (lengths?.length !== rows)
    throw new DatasetError(
      'argument-invalid',
      `paddingMask: shape [${shape}] and ${lengths?.length} lengths. Pass what padSequences gave, or { shape: [n, maxlen], lengths, padding }.`,
    );
  requireSide('paddingMask: padding', padding);
  const data = new Uint8Array(rows * maxlen);
  for (let row = 0; row < rows; row++) {
    const length = lengths[row] as number;
    if (!(Number.isInteger(length) && length >= 0 && length <= maxlen)) {
      throw new DatasetError(
        'argument-invalid',
        `paddingMask: row ${row} has length ${length} in ${maxlen} steps. Pass what padSequences gave, or lengths of those rows.`,
      );
    }
    const start = row * maxlen + (padding === 'pre' ? maxlen - length : 0);
    data.fill(1, start, start + length);
  }
  return { data, shape: [rows, maxlen] };
}

function longest(sequences: readonly ArrayLike<number>[]): number {
  if (sequences.length > 0) return sequences.reduce((most, s) => Math.max(most, s.length), 0);
  throw new DatasetError(
    'argument-invalid',
    'padSequences: got no sequences, so none is the longest. Pass maxlen, or at least one sequence.',
  );
}

function requireSide(what: string, side: Side): void {
  if (side === 'pre' || side === 'post') return;
  throw new DatasetError(
    'argument-invalid',
    `${what} is "pre" or "post", got ${JSON.stringify(side)}. Choose one of the two.`,
  );
}

function requireInt32(id: number | undefined, where: string): number {
  if (id === (id as number) >> 0) return id as number;
  throw new DatasetError(
    'argument-invalid',
    `padSequences: ${where} is ${String(id)}, which is no int32. Pass whole numbers of 32 bits.`,
  );
}
