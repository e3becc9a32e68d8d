/**
 * Parts of a data set by chance: any rows, or rows of each class in proportion, and parts that rotate from epoch to
 * epoch. Knows labels and indices; knows no data.
 */
import { foldKey, type HostKey, permutation } from '@ostinato/core/random';
import { checkOptions, DatasetError, requireCount, requireKey } from './errors.ts';

/**
 * `size` of `count` rows without repetition, each set equally likely.
 *
 * @returns shape [size], in random order
 * @throws DatasetError `argument-invalid`: more than there are, a key that is none
 */
export function randomSubset(
  count: number,
  options: { readonly size: number; readonly key: HostKey },
): Uint32Array {
  checkOptions('randomSubset', options, 'size, key');
  requireSubset('randomSubset', options.size, count);
  requireKey('randomSubset', options.key);
  return permutation(options.key, count).subarray(0, options.size);
}

/**
 * `size` rows in which each class has the share that it has in all rows: off by at most (classes + 1) / 2 rows.
 *
 * @param labels [n], any numbers; equal numbers are one class
 * @returns shape [size], ascending
 * @throws DatasetError `argument-invalid`: more than there are, a key that is none
 */
export function stratifiedSubset(
  labels: ArrayLike<number>,
  options: { readonly size: number; readonly key: HostKey },
): Uint32Array {
  checkOptions('stratifiedSubset', options, 'size, key');
  requireSubset('stratifiedSubset', options.size, labels.length);
  requireKey('stratifiedSubset', options.key);
  return spread(labels, options.key).subarray(0, options.size).sort();
}

/**
 * The rows of one epoch when the data are cut into `parts` stratified parts and each epoch sees the next of them:
 * epochs e and e + parts see the same rows, and any `parts` epochs in a row see each row once.
 *
 * @param labels [n], any numbers; equal numbers are one class
 * @param options `parts`: at most n; `epoch`: from 0
 * @returns ascending, floor(n / parts) or one more
 * @throws DatasetError `argument-invalid`
 */
export function rotatingStratum(
  labels: ArrayLike<number>,
  options: { readonly parts: number; readonly epoch: number; readonly key: HostKey },
): Uint32Array {
  checkOptions('rotatingStratum', options, 'parts, epoch, key');
  const { parts, epoch, key } = options;
  requireCount('rotatingStratum: parts', parts);
  requireCount('rotatingStratum: epoch', epoch, 0);
  requireSubset('rotatingStratum', parts, labels.length);
  requireKey('rotatingStratum', key);
  const order = spread(labels, key);
  const part = epoch % parts;
  const from = Math.floor((part * order.length) / parts);
  const to = Math.floor(((part + 1) * order.length) / parts);
  return order.slice(from, to).sort();
}

/**
 * All rows, shuffled within their class, in an order where each run has each class in its proportion: row k of a class
 * of m gets the place (k + 1/2) / m, and rows are sorted by place.
 */
function spread(labels: ArrayLike<number>, key: HostKey): Uint32Array {
  const classes = new Map<number, number[]>();
  Array.from(labels).forEach((label, row) => {
    const rows = classes.get(label);
    if (rows === undefined) classes.set(label, [row]);
    else rows.push(row);
  });
  const placed = [...classes.values()].flatMap((rows, i) =>
    Array.from(permutation(foldKey(key, i), rows.length), (from, k) => ({
      row: rows[from] as number,
      place: (k + 0.5) / rows.length,
    })),
  );
  return Uint32Array.from(placed.sort((a, b) => a.place - b.place).map(({ row }) => row));
}

function requireSubset(name: string, size: number, count: number): void {
  requireCount(`${name}: the number`, size);
  if (size <= count) return;
  throw new DatasetError(
    'argument-invalid',
    `${name}: asked for ${size} of ${count} rows. Ask for at most as many as there are.`,
  );
}
