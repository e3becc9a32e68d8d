/** Reading and writing rows by number: embeddings and their gradient. */
import { fail } from '../errors.ts';
import { describe, Tensor } from '../graph/tensor.ts';
import { isInteger } from '../ir/dtype.ts';
import { add, cast, less, lessEqual, logicalAnd, mul, range, where } from './elementwise.ts';
import { reshape } from './views.ts';

function checkIndex(what: string, index: Tensor): void {
  if (!isInteger(index.dtype))
    fail(
      'dtype-mismatch',
      `${what}: the index is ${describe(index)}. Give int32 or uint32 row numbers.`,
    );
}

/**
 * Rows of `table` [rows, ...d] by number: `index` [...n] gives [...n, ...d]. A number outside 0..rows-1 reads zeros.
 */
export function gather(table: Tensor, index: Tensor): Tensor {
  checkIndex('gather', index);
  if (table.rank === 0) fail('shape-mismatch', `gather: ${describe(table)} has no rows.`);
  const [rows = 1, ...d] = table.shape;
  const flat = reshape(table, [rows, table.size / rows]);
  const ids = reshape(index, [index.size]);
  const out = new Tensor({ kind: 'gather' }, [ids.size, flat.shape[1] as number], table.dtype, [
    flat,
    ids,
  ]);
  return reshape(out, [...index.shape, ...d]);
}

/**
 * Sums rows into a table of zeros: `x` [...n, ...d] and `index` [...n] give [rows, ...d]. Repeated numbers add up, a
 * number outside 0..rows-1 is dropped.
 */
export function scatterAdd(x: Tensor, index: Tensor, rows: number): Tensor {
  checkIndex('scatterAdd', index);
  if (x.dtype === 'bool')
    fail(
      'dtype-mismatch',
      `scatterAdd: cannot sum ${describe(x)}. Cast it to int32 or float32 first.`,
    );
  const lead = x.shape.slice(0, index.rank);
  if (`${lead}` !== `${index.shape}`)
    fail(
      'shape-mismatch',
      `scatterAdd: ${describe(x)} must begin with the shape of ${describe(index)}.`,
    );
  if (!Number.isInteger(rows) || rows < 1)
    fail('shape-invalid', `scatterAdd: ${rows} rows. Give a whole number from 1 up.`);
  const d = x.shape.slice(index.rank);
  const width = x.size / index.size;
  const out = new Tensor({ kind: 'scatter', rows }, [rows, width], x.dtype, [
    reshape(x, [index.size, width]),
    reshape(index, [index.size]),
  ]);
  return reshape(out, [rows, ...d]);
}

/** One element per row: `x` [...n, d] and `index` [...n] give [...n]; the gradient goes back to that element. */
export function takeLast(x: Tensor, index: Tensor): Tensor {
  checkIndex('takeLast', index);
  if (x.rank === 0) fail('shape-mismatch', `takeLast: ${describe(x)} has no axis to take from.`);
  const d = x.shape.at(-1) as number;
  if (`${x.shape.slice(0, -1)}` !== `${index.shape}`)
    fail(
      'shape-mismatch',
      `takeLast: ${describe(index)} must have the shape of ${describe(x)} without its last axis.`,
    );
  return reshape(gather(reshape(x, [x.size, 1]), flatIndex(index, d)), index.shape);
}

function flatIndex(index: Tensor, d: number): Tensor {
  const ids = cast(reshape(index, [index.size]), 'int32');
  const inside = logicalAnd(lessEqual(0, ids), less(ids, d));
  return where(inside, add(mul(range(index.size), d), ids), -1);
}
