/**
 * Which rows are in which batch, and how their values get there. Knows indices and host arrays; knows no model. The
 * order is a function of (key, epoch), never of an iterator's state, so a run resumes at any batch.
 */
import { foldKey, type HostKey, permutation } from '@ostinato/core/random';
import { checkOptions, DatasetError, requireCount, requireKey } from './errors.ts';
import { type HostArray, type HostData, rowSize } from './host-array.ts';

export interface BatchOptions {
  /** Rows in each batch; the last may have fewer. */
  readonly size: number;
  /** null: the order as given, in every epoch. */
  readonly key: HostKey | null;
  /** From 0; each epoch has an order of its own. */
  readonly epoch: number;
  /** Leaves a short last batch out. Default false. */
  readonly dropLast?: boolean | undefined;
}

/**
 * The batches of one epoch: `permutation(foldKey(key, epoch), count)`, cut every `size` indices.
 *
 * @param count rows in all
 * @returns index arrays, views of one buffer
 * @throws DatasetError `argument-invalid`: a count, size or epoch that is no whole number, a key that is none
 */
export function batches(count: number, options: BatchOptions): Uint32Array[] {
  checkOptions('batches', options, 'size, key, epoch, dropLast');
  const { size, key, epoch, dropLast = false } = options;
  requireCount('batches: count', count, 0);
  requireCount('batches: size', size);
  requireCount('batches: epoch', epoch, 0);
  if (key !== null) requireKey('batches', key);
  const order =
    key === null
      ? Uint32Array.from({ length: count }, (_, i) => i)
      : permutation(foldKey(key, epoch), count);
  const amount = dropLast ? Math.floor(count / size) : Math.ceil(count / size);
  return Array.from({ length: amount }, (_, i) => order.subarray(i * size, (i + 1) * size));
}

export interface RowBatch<T extends HostData = HostData> extends HostArray<T> {
  /** [rows], 1 for a row that was asked for, 0 for one that fills the batch up. */
  readonly weights: Float32Array;
}

export interface TakeRowsOptions<T extends HostData> {
  /** Rows of the result; the number of indices where absent. */
  readonly rows?: number | undefined;
  /** What rows beyond the indices hold. Default `zero`; `repeat` is the first index's row, for code that dislikes empty rows. */
  readonly fill?: 'zero' | 'repeat' | undefined;
  /** An earlier result of the same shape, to be overwritten and returned. */
  readonly out?: RowBatch<T> | undefined;
}

/**
 * Rows of an array, in the order of the indices, in a result of a fixed number of rows.
 *
 * @param array shape [n, ...rest]
 * @param indices which rows, each below n
 * @returns shape [rows, ...rest], with weights of shape [rows]; `out` itself where it was given
 * @throws DatasetError `argument-invalid`: an index outside of the array, more indices than rows, an `out` of another
 * shape, a `fill` that is none, a shape that is not the data's
 */
export function takeRows<T extends HostData>(
  array: HostArray<T>,
  indices: ArrayLike<number>,
  options: TakeRowsOptions<T> = {},
): RowBatch<T> {
  checkOptions('takeRows', options, 'rows, fill, out');
  const { rows = indices.length, fill = 'zero' } = options;
  requireCount('takeRows: rows', rows, 0);
  if (indices.length > rows) {
    throw new DatasetError(
      'argument-invalid',
      `takeRows: ${indices.length} indices do not fit ${rows} rows. Ask for at least as many rows as indices.`,
    );
  }
  const size = rowSize(array.shape);
  requireDense(array, size);
  if (fill !== 'zero' && fill !== 'repeat') {
    throw new DatasetError(
      'argument-invalid',
      `takeRows: fill is "zero" or "repeat", got ${JSON.stringify(fill)}. Choose one of the two.`,
    );
  }
  const batch = options.out ?? newBatch(array, rows);
  requireLike(batch, array, rows);
  for (let row = 0; row < rows; row++) {
    const asked = row < indices.length;
    batch.weights[row] = asked ? 1 : 0;
    if (asked || (fill === 'repeat' && indices.length > 0)) {
      copyRow(array, indices[asked ? row : 0] as number, batch.data.subarray(row * size));
    } else {
      batch.data.fill(0, row * size, (row + 1) * size);
    }
  }
  return batch;
}

/** A row behind the end of the data would stay what it was, and count. */
function requireDense({ data, shape }: HostArray, size: number): void {
  const wanted = (shape[0] ?? 0) * size;
  if (data.length === wanted) return;
  throw new DatasetError(
    'argument-invalid',
    `takeRows: the array has ${data.length} elements, its shape [${shape.join(', ')}] says ${wanted}. Pass a shape of at least one axis whose product is the number of elements.`,
  );
}

function copyRow(array: HostArray, index: number, to: HostData): void {
  const count = array.shape[0] ?? 0;
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new DatasetError(
      'argument-invalid',
      `takeRows: index ${index} is outside of the ${count} rows. Pass indices of this array, from 0.`,
    );
  }
  const size = rowSize(array.shape);
  to.set(array.data.subarray(index * size, (index + 1) * size));
}

function newBatch<T extends HostData>(array: HostArray<T>, rows: number): RowBatch<T> {
  const Data = array.data.constructor as new (length: number) => T;
  return {
    data: new Data(rows * rowSize(array.shape)),
    shape: [rows, ...array.shape.slice(1)],
    weights: new Float32Array(rows),
  };
}

/** What has the size alone would go out with another shape. */
function requireLike(batch: RowBatch, array: HostArray, rows: number): void {
  const wanted = [rows, ...array.shape.slice(1)].join(', ');
  const { length } = batch.data;
  const isWhole = length === rows * rowSize(array.shape) && batch.weights.length === rows;
  if (isWhole && batch.shape.join(', ') === wanted) return;
  throw new DatasetError(
    'argument-invalid',
    `takeRows: "out" has the shape [${batch.shape.join(', ')}], ${length} elements and ${batch.weights.length} weights, wanted [${wanted}]. Pass a result of takeRows with the same rows, or leave it out.`,
  );
}
