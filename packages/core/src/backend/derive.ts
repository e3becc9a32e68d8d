/** Fallbacks: what each optional instruction means in loops. Slow and exact; a backend's own kernel must agree. */
import { apply, arg, axisIndex, cast, constant } from '../ir/expr.ts';
import type { Contract, Gather, Loop, Operand, Scatter } from '../ir/program.ts';

/** A product is a loop that sums over its contracted axes. */
export const contractAsLoop = (i: Contract): Loop => ({
  kind: 'loop',
  buffers: i.buffers,
  shape: i.shape,
  over: i.over,
  combine: 'sum',
  args: i.args,
  body: [apply('mul', arg(0), arg(1))],
  outs: i.outs,
});

/**
 * A gather is a loop over all rows that keeps the one whose number is the index. `select`, not a product with 0 or
 * 1, because NaN in a row that is not asked for must not spread.
 */
export function gatherAsLoop(i: Gather): Loop {
  const [table, index] = i.args;
  const [out] = i.outs;
  const [row, column] = table.strides as [number, number];
  const hit = apply('equal', cast('int32', arg(1)), axisIndex(2));
  return {
    kind: 'loop',
    buffers: i.buffers,
    shape: i.shape,
    over: [i.rows],
    combine: 'sum',
    args: [
      { ...asNumber(table), strides: [0, column, row] },
      { ...index, strides: [index.strides[0] as number, 0, 0] },
    ],
    body: [apply('select', hit, arg(0), constant(0, asNumber(table).dtype))],
    outs: [asNumber(out)],
  };
}

/** Bools are stored as uint32, and sums are of numbers. */
const asNumber = (o: Operand): Operand => (o.dtype === 'bool' ? { ...o, dtype: 'uint32' } : o);

/** A scatter is a loop over all source rows that sums those whose index is this row. */
export function scatterAsLoop(i: Scatter): Loop {
  const [x, index] = i.args;
  const [n, d] = i.shape;
  const [row, column] = x.strides as [number, number];
  const hit = apply('equal', cast('int32', arg(1)), axisIndex(0));
  const source: Operand = { ...x, strides: [0, column, row] };
  return {
    kind: 'loop',
    buffers: i.buffers,
    shape: [i.rows, d],
    over: [n],
    combine: 'sum',
    args: [source, { ...index, strides: [0, 0, index.strides[0] as number] }],
    body: [apply('select', hit, arg(0), constant(0, x.dtype))],
    outs: i.outs,
  };
}
