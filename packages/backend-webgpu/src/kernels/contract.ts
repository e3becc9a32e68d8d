/**
 * Products. Over the grid each thread computes a block of rows and columns from registers; in a tile of rows each thread
 * computes a column for all rows of the tile, so that a weight is read once for all of them. A product with a vector is a
 * reduction.
 */
import {
  type Axis,
  type Contract,
  contractAsLoop,
  exchange,
  type Operand,
  type ProductAxes,
  productAxes,
  sizeOfAxes,
} from '@ostinato/core/backend';
import { type Base, emitBase, indexOf, load, type RowNames, store } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import { emitLoop } from './loop.ts';
import {
  axesFor,
  type Context,
  decompose,
  emitOver,
  emitRow,
  groupNumber,
  orderFor,
  sizeOfAll,
} from './space.ts';

/** Rows and columns of the block that a thread computes. */
const BLOCK = 4;

/** Gives the workgroups that a grid needs. */
export function emitContract(w: KernelWriter, contract: Contract, context: Context): number {
  if (context.space.kind === 'tile')
    return emitTileProduct(w, contract, context) ?? emitLoop(w, contractAsLoop(contract), context);
  const given = productAxes(contract);
  if (given.rows.length === 0 || given.columns.length === 0)
    return emitLoop(w, contractAsLoop(contract), context);
  return emitBlocks(w, contract, given, context);
}

const whole = { number: '0u', of: 1 } as const;

/** Windows: 0 is what has the rows, 1 what has the columns, 2 the result. */
function emitBlocks(
  w: KernelWriter,
  contract: Contract,
  given: ProductAxes,
  context: Context,
): number {
  const { space } = context;
  // The result's dense axis goes along the columns, which neighbouring threads share out.
  const dense = (axes: readonly Axis[]): boolean => axes.some((a) => a.strides[2] === 1);
  const turned = dense(given.rows) && !dense(given.columns);
  const axes = turned ? exchange(given) : given;
  const operands = turned ? [contract.args[1], contract.args[0]] : contract.args;
  const [a, b, out] = [...operands, contract.outs[0]].map((o) =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock),
  ) as [Base, Base, Base];
  const rows = orderFor(axes.rows, 2);
  const columns = orderFor(axes.columns, 2);
  const depth = orderFor(axes.depth, 1);
  const sizes = [sizeOfAxes(rows), sizeOfAxes(columns), sizeOfAxes(axes.batch)] as const;
  const [rowBlocks, columnBlocks] = [Math.ceil(sizes[0] / BLOCK), Math.ceil(sizes[1] / BLOCK)];

  const id = w.let('id', `${groupNumber(w)} * ${w.threads}u + thread`);
  const blocks = rowBlocks * columnBlocks * sizes[2];
  w.block(`if (${id} < ${w.param(blocks)})`, () => {
    const across = w.let('n', w.param(columnBlocks));
    const down = w.let('n', w.param(rowBlocks));
    const column = w.let('column', `(${id} % ${across}) * ${BLOCK}u`);
    const row = w.let('row', `(${id} / ${across} % ${down}) * ${BLOCK}u`);
    const batch = decompose(w, w.let('batch', `${id} / ${across} / ${down}`), axes.batch, space);
    const height = w.let('height', w.param(sizes[0]));
    const width = w.let('width', w.param(sizes[1]));
    const lines = [...Array(BLOCK).keys()];
    // Beyond the edge the last row or column is computed again, and not stored.
    const points = (first: string, size: string, of: readonly Axis[]): string[][] =>
      lines.map((k) => decompose(w, w.let('k', `min(${first} + ${k}u, ${size} - 1u)`), of, space));
    const rowPoints = points(row, height, rows);
    const columnPoints = points(column, width, columns);
    const at = (
      base: Base,
      window: number,
      parts: readonly (readonly [readonly Axis[], readonly string[]])[],
    ): string =>
      indexOf(
        w,
        base,
        parts.flatMap(([list, names]) =>
          list.map((axis, k) => ({
            index: names[k] as string,
            stride: axis.strides[window] as number,
          })),
        ),
      );
    const moved = (base: Base, start: string): Base => ({ ...base, start });
    const fromA = rowPoints.map((p) =>
      moved(
        a,
        w.let(
          'a',
          at(a, 0, [
            [axes.batch, batch],
            [rows, p],
          ]),
        ),
      ),
    );
    const fromB = columnPoints.map((p) =>
      moved(
        b,
        w.let(
          'b',
          at(b, 1, [
            [axes.batch, batch],
            [columns, p],
          ]),
        ),
      ),
    );
    const sums = lines.map(() => w.name('sum'));
    for (const name of sums) w.emit(`var ${name} = vec4<f32>();`);
    emitOver(w, depth, space, whole, (k) => {
      const values = fromB.map((base) => w.let('v', load(base, at(base, 1, [[depth, k]]))));
      const vector = w.let('line', `vec4<f32>(${values.join(', ')})`);
      fromA.forEach((base, r) => {
        w.emit(`${sums[r]} += ${load(base, at(base, 0, [[depth, k]]))} * ${vector};`);
      });
    });
    for (const r of lines)
      w.block(`if (${row} + ${r}u < ${height})`, () => {
        for (const c of lines)
          w.block(`if (${column} + ${c}u < ${width})`, () => {
            const index = at(out, 2, [
              [axes.batch, batch],
              [rows, rowPoints[r] as string[]],
              [columns, columnPoints[c] as string[]],
            ]);
            w.emit(store(out, index, `${sums[r]}.${'xyzw'[c]}`));
          });
      });
  });
  return Math.ceil(blocks / w.threads);
}

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
