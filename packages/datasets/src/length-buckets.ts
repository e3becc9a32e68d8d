/**
 * Few padded lengths for many lengths, so that few programs are compiled. Knows lengths only: what is padded, and on
 * which side, is said in pad.ts.
 */
import { checkOptions, DatasetError, requireCount } from './errors.ts';

const DEFAULT_BUCKETS = 8;

/**
 * The allowed lengths: `maximum`, and below it the largest powers of two.
 * For 500: 4, 8, 16, 32, 64, 128, 256, 500. A row is at most doubled by its padding, but for those shorter than the
 * first rung.
 *
 * @param maximum the longest length
 * @param options `buckets`: how many lengths at most, default 8
 * @returns ascending, the last is `maximum`
 * @throws DatasetError `argument-invalid`
 */
export function lengthLadder(
  maximum: number,
  options: { readonly buckets?: number | undefined } = {},
): readonly number[] {
  checkOptions('lengthLadder', options, 'buckets');
  const { buckets = DEFAULT_BUCKETS } = options;
  requireCount('lengthLadder: maximum', maximum);
  requireCount('lengthLadder: buckets', buckets);
  const powers: number[] = [];
  for (let power = 1; power < maximum; power *= 2) powers.push(power);
  return [...powers.slice(Math.max(0, powers.length - buckets + 1)), maximum];
}

/**
 * The length to pad to: the first rung that is not below `length`.
 *
 * @param ladder ascending
 * @throws DatasetError `argument-invalid`: longer than the last rung, a ladder that does not ascend
 */
export function bucketLength(length: number, ladder: readonly number[]): number {
  requireCount('bucketLength: length', length, 0);
  requireAscending('bucketLength', ladder);
  const rung = ladder.find((candidate) => candidate >= length);
  if (rung !== undefined) return rung;
  throw new DatasetError(
    'argument-invalid',
    `bucketLength: length ${length} is beyond the longest of the ladder, ${ladder.join(', ')}. Truncate the sequence first, or build the ladder from the longest one.`,
  );
}

function requireAscending(who: string, ladder: readonly number[]): void {
  const at = ladder.findIndex((rung, i) => i > 0 && !(rung > (ladder[i - 1] as number)));
  if (at < 0) return;
  throw new DatasetError(
    'argument-invalid',
    `${who}: the ladder has ${ladder[at]} after ${ladder[at - 1]}, in ${ladder.join(', ')}. Sort the lengths in ascending order, each once.`,
  );
}

/** Rows that share one padded length. */
export interface LengthBucket {
  readonly length: number;
  /** Ascending. */
  readonly rows: Uint32Array;
}

/**
 * Sorts rows by padded length, so that batches within one bucket waste little.
 *
 * @param lengths [n]
 * @param options `buckets`: how many lengths at most, default 8; `ladder`: the lengths themselves, ascending, instead
 * @returns buckets that have rows, shortest first
 * @throws DatasetError `argument-invalid`: a length beyond the ladder, a ladder that does not ascend
 */
export function lengthBuckets(
  lengths: ArrayLike<number>,
  options: {
    readonly buckets?: number | undefined;
    readonly ladder?: readonly number[] | undefined;
  } = {},
): LengthBucket[] {
  checkOptions('lengthBuckets', options, 'buckets, ladder');
  const { buckets } = options;
  const all = Array.from(lengths);
  const longest = all.reduce((most, length) => Math.max(most, length), 1);
  const ladder = options.ladder ?? lengthLadder(longest, { buckets });
  requireAscending('lengthBuckets', ladder);
  const rungs = all.map((length) => bucketLength(length, ladder));
  return ladder
    .map((length) => ({
      length,
      rows: Uint32Array.from(rungs.flatMap((rung, row) => (rung === length ? [row] : []))),
    }))
    .filter((bucket) => bucket.rows.length > 0);
}
