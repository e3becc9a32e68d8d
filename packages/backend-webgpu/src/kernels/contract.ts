/**
 * Products, by where they stand: over the grid in blocks, in a tile of rows a column per thread and for all rows of the
 * tile, so that a weight is read once for all of them. A product with a vector is a reduction.
 */
import { type Axis, type Contract, contractAsLoop, type Operand } from '@ostinato/core/backend';
import { type Base, emitBase, indexOf, load, type RowNames, store } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import { emitLoop } from './loop.ts';
import { emitProduct, productOf } from './product.ts';
import {
  axesFor,
  type Context,
  decompose,
  emitOver,
  emitRow,
  orderFor,
  sizeOfAll,
} from './space.ts';

/** Gives the workgroups that a grid needs. */
export function emitContract(w: KernelWriter, contract: Contract, context: Context): number {
  if (context.space.kind === 'tile')
    return emitTileProduct(w, contract, context) ?? emitLoop(w, contractAsLoop(contract), context);
  const product = productOf(contract, context.place);
  return product
    ? emitProduct(w, product, context)
    : emitLoop(w, contractAsLoop(contract), context);
}

const whole = { number: '0u', of: 1 } as const;

/** Null where not one operand has the rows and the other is shared by them. */
function emitTileProduct(
  w: KernelWriter,
  { shape, over, args, outs }: Contract,
  context: Context,
): number | null {
  const { space } = context;
  if (space.kind !== 'tile' || space.axis === null) return null;
  const rowed = args.map((o) => o.strides[space.axis as number] !== 0);
  if (rowed[0] === rowed[1]) return null;
  const operands: readonly Operand[] = rowed[0] ? args : [args[1], args[0]];
  const strides = [...operands, outs[0]].map((o) => o.strides);
  const { row, outer, over: depth } = axesFor(shape, over, strides, space);
  if (!row) return null;
  const [a, b, out] = [...operands, outs[0]].map((o) =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock),
  ) as [Base, Base, Base];
  const columns = orderFor(outer, 2);
  const width = sizeOfAll(columns);
  const lines = [...Array(space.rows).keys()];
  const at = (
    base: Base,
    window: number,
    parts: readonly (readonly [readonly Axis[], readonly string[]])[],
    names?: RowNames,
  ): string =>
    indexOf(
      w,
      base,
      parts.flatMap(([list, indices]) =>
        list.map((axis, k) => ({
          index: indices[k] as string,
          stride: axis.strides[window] as number,
        })),
      ),
      names && { names, stride: row.strides[window] as number },
    );
  const column = (point: string): void => {
    const c = decompose(w, point, columns, space);
    const sums = lines.map(() => w.name('sum'));
    for (const name of sums) w.emit(`var ${name} = 0.0f;`);
    // Rows that the last tile lacks are computed from its last row, and not stored.
    const rows = lines.map((r) => emitRow(w, r === 0 ? '0u' : w.let('r', `min(${r}u, rows - 1u)`)));
    emitOver(w, orderFor(depth, 0), space, whole, (k) => {
      const order = orderFor(depth, 0);
      const weight = w.let(
        'v',
        load(
          b,
          at(b, 1, [
            [columns, c],
            [order, k],
          ]),
        ),
      );
      lines.forEach((_, r) => {
        const index = at(
          a,
          0,
          [
            [columns, c],
            [order, k],
          ],
          rows[r],
        );
        w.emit(`${sums[r]} += ${load(a, index)} * ${weight};`);
      });
    });
    for (const r of lines)
      w.block(`if (${r}u < rows)`, () => {
        const index = at(out, 2, [[columns, c]], rows[r]);
        w.emit(store(out, index, sums[r] as string));
      });
  };
  if (width <= w.threads) w.block(`if (thread < ${width}u)`, () => column('thread'));
  else {
    const e = w.name('e');
    w.block(`for (var ${e} = thread; ${e} < ${width}u; ${e} += ${w.threads}u)`, () => column(e));
  }
  return 1;
}
