/**
 * Products inside a time loop, of a tile of rows with what all rows share: a thread computes one column, or four, for all
 * rows of the tile, so that each weight is read once for all of them. Other products there are loops with a sum.
 */
import { type Axis, type Contract, contractAsLoop, type Operand } from '@ostinato/core/backend';
import {
  type Along,
  type Base,
  emitBase,
  indexOf,
  load,
  load4,
  type RowNames,
  store,
} from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import { emitLoop } from './loop.ts';
import {
  alongOf,
  BLOCK,
  block,
  component,
  type Dense,
  denseAlong,
  further,
  type Places,
} from './product.ts';
import {
  axesFor,
  type Context,
  decompose,
  emitOver,
  emitRow,
  orderFor,
  sizeOfAll,
} from './space.ts';

interface RowProduct {
  /** What has rows, what they share, and the result: windows 0, 1 and 2. */
  readonly a: Operand;
  readonly weight: Operand;
  readonly out: Operand;
  readonly row: Axis;
  readonly columns: readonly Axis[];
  readonly depth: readonly Axis[];
  /** How the weight is read four elements at a time. */
  readonly dense: Dense;
}

/** Null where not one operand has the rows and the other is shared by them. */
function rowProductOf(
  { shape, over, args, outs }: Contract,
  axis: number | null,
  place: Places,
): RowProduct | null {
  if (axis === null) return null;
  const [first, second] = args;
  const rowed = args.map((o) => o.strides[axis] !== 0);
  if (rowed[0] === rowed[1]) return null;
  const [a, weight] = rowed[0] ? [first, second] : [second, first];
  const strides = [a, weight, outs[0]].map((o) => o.strides);
  const axes = axesFor(shape, over, strides, { kind: 'tile', rows: 1, axis });
  if (!axes.row) return null;
  const columns = orderFor(axes.outer, 1);
  const depth = orderFor(axes.over, 1);
  const dense = denseAlong(1, columns, depth, [...columns, ...depth], place(weight.slot), weight);
  return { a, weight, out: outs[0], row: axes.row, columns, depth, dense };
}

/** The slot of a weight that is read four elements at a time, if any. */
export function vectorWeight(
  contract: Contract,
  axis: number | null,
  place: Places,
): number | null {
  const product = rowProductOf(contract, axis, place);
  return product?.dense ? product.weight.slot : null;
}

export function emitRowProduct(w: KernelWriter, contract: Contract, context: Context): void {
  const { space } = context;
  const product = space.kind === 'tile' ? rowProductOf(contract, space.axis, context.place) : null;
  if (!product || space.kind !== 'tile') {
    emitLoop(w, contractAsLoop(contract), context);
    return;
  }
  const { columns, depth, dense, row } = product;
  const [a, weight, out] = [product.a, product.weight, product.out].map((o) =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock),
  ) as [Base, Base, Base];
  const lines = [...Array(space.rows).keys()];
  // Columns that a thread computes, and steps of the depth that it takes at once: loads that need not wait for one another.
  const wide = dense === 'lines' ? BLOCK : 1;
  const step = (depth.at(-1)?.size ?? 1) % BLOCK === 0 ? BLOCK : 1;
  const width = sizeOfAll(columns) / wide;

  const columnsAt = (point: string): void => {
    const first = wide === 1 ? point : w.let('column', `${point} * ${wide}u`);
    const c = decompose(w, first, columns, space);
    const sums = lines.map(() => w.name('sum'));
    for (const name of sums)
      w.emit(wide === 1 ? `var ${name} = 0.0f;` : `var ${name} = vec4<f32>();`);
    // Rows that the last tile lacks are computed from its last row, and not stored.
    const rows = lines.map((r) => emitRow(w, r === 0 ? '0u' : w.let('r', `min(${r}u, rows - 1u)`)));
    const at = (base: Base, window: number, k: readonly string[], names?: RowNames): string =>
      indexOf(
        w,
        base,
        [...alongOf(columns, c, window), ...alongOf(depth, k, window)],
        names && { names, stride: row.strides[window] as number },
      );
    emitOver(w, depth, space, { number: '0u', of: 1, step }, (k) => {
      const at4 = (d: number): string => load4(w, weight, at(weight, 1, further(k, d)));
      const at1 = (d: number): string => load(weight, at(weight, 1, further(k, d)));
      const deep = dense === 'depth' ? w.let('weights', at4(0)) : '';
      const weights = block.slice(0, step).map((d) => {
        if (deep) return component(deep, d);
        return w.let('weight', wide === 1 ? at1(d) : at4(d));
      });
      weights.forEach((value, d) => {
        for (const r of lines) {
          const element = load(a, at(a, 0, further(k, d), rows[r]));
          w.emit(`${sums[r]} += ${element} * ${value};`);
        }
      });
    });
    for (const r of lines)
      w.block(`if (${r}u < rows)`, () => {
        for (const d of block.slice(0, wide)) {
          const along: Along[] = alongOf(columns, further(c, d), 2);
          const names = { names: rows[r] as RowNames, stride: row.strides[2] as number };
          const value = wide === 1 ? (sums[r] as string) : component(sums[r] as string, d);
          w.emit(store(out, indexOf(w, out, along, names), value));
        }
      });
  };
  if (width <= w.threads) w.block(`if (thread < ${width}u)`, () => columnsAt('thread'));
  else {
    const e = w.name('e');
    w.block(`for (var ${e} = thread; ${e} < ${width}u; ${e} += ${w.threads}u)`, () => columnsAt(e));
  }
}
