/** A gather or a scatter of a loop's body for all time steps at once: tables of all steps lie one after another. */
import { Tensor } from '../graph/tensor.ts';
import { add, cast, iota, less, lessEqual, logicalAnd, mul, where } from '../ops/elementwise.ts';
import { reshape } from '../ops/views.ts';
import { type LiftTable, stackedValue } from './lift.ts';

export const liftTable: LiftTable = (t, x, y, length) => {
  const index = stackedValue(y, length); // [length, n]
  const [n, d] = t.shape as readonly [number, number];
  const node = (op: Tensor['op'], rows: number, args: readonly Tensor[]): Tensor =>
    reshape(new Tensor(op, [length * rows, d], t.dtype, args, t.label), [length, rows, d]);
  if (t.op.kind === 'scatter') {
    const rows = reshape(stackedValue(x, length), [index.size, d]);
    return node({ kind: 'scatter', rows: length * n }, n, [rows, perStep(index, n)]);
  }
  if (!x.timed) return node(t.op, n, [x.value, reshape(index, [length * n])]);
  const rows = x.value.shape[1] as number;
  return node(t.op, n, [reshape(x.value, [length * rows, d]), perStep(index, rows)]);
};

/** Row numbers [time, n] into a table per step as numbers into all tables, one after another. */
function perStep(index: Tensor, rows: number): Tensor {
  const ids = cast(index, 'int32');
  const inside = logicalAnd(lessEqual(0, ids), less(ids, rows));
  const moved = add(ids, mul(iota(ids.shape, 0), rows));
  return reshape(where(inside, moved, -1), [ids.size]);
}
