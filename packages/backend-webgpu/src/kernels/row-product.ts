/**
 * Products inside a time loop, of a tile of rows with what all rows share: a thread computes one column, or four, for all
 * rows of the tile, so that each weight is read once for all of them. A weight that no step changes may be resident: its
 * first part along the depth lies in workgroup memory all the time. Other products there are loops with a sum.
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
  store4,
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
  emitPoints,
  emitRow,
  orderFor,
  sizeOfAll,
} from './space.ts';

export interface RowProduct {
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
export function rowProductOf(
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

/** A weight's copy in workgroup memory: what the first `depth` steps of its product's one axis of depth read. */
export interface Resident {
  readonly array: string;
  readonly depth: number;
}

/** The product with the strides of a copy, in which neighbouring threads read neighbouring elements, or fours of them. */
function fromCopy(product: RowProduct, depth: number): RowProduct {
  const [deep] = product.depth as [Axis];
  const strided = (axis: Axis, stride: number): Axis => ({
    ...axis,
    strides: axis.strides.with(1, stride),
  });
  // [depth, columns], or [depth / 4, columns, 4] where four steps of the depth are read at once.
  let stride = product.dense === 'depth' ? BLOCK : 1;
  const columns = product.columns.toReversed().map((axis) => {
    const here = stride;
    stride *= axis.size;
    return strided(axis, here);
  });
  const width = sizeOfAll(product.columns);
  return {
    ...product,
    columns: columns.toReversed(),
    depth: [{ ...strided(deep, width), size: depth }],
  };
}

const copyBase = ({ dense }: RowProduct, array: string): Base => ({
  array,
  float: true,
  vector: dense !== null,
  dtype: 'float32',
  start: '0u',
  place: { memory: 'workgroup', array, float: true, offset: 0, rowSize: 0, whenOdd: 0 },
  strides: new Map(),
});

/** The array for the first `depth` steps of a weight. */
export function declareResident(w: KernelWriter, product: RowProduct, depth: number): Resident {
  const size = depth * sizeOfAll(product.columns);
  const array = product.dense
    ? w.workgroupArray('vec4<f32>', size / BLOCK)
    : w.workgroupArray('f32', size);
  return { array, depth };
}

/** Fills the copy; a barrier must follow. */
export function emitResident(
  w: KernelWriter,
  { product, resident }: { readonly product: RowProduct; readonly resident: Resident },
  context: Context,
): void {
  const { weight, dense } = product;
  const from = emitBase(w, context.place(weight.slot), weight.dtype, weight.offset, context.clock);
  const to = copyBase(product, resident.array);
  const copied = fromCopy(product, resident.depth);
  // Neighbouring threads read neighbouring elements of the device's memory: this is done once, and that is slower.
  const order = ({ columns, depth }: RowProduct): Axis[] =>
    dense === 'depth' ? [...columns, ...depth] : [...depth, ...columns];
  const toAxes = order(copied);
  const fromAxes = order({
    ...product,
    depth: product.depth.map((a) => ({ ...a, size: resident.depth })),
  });
  const last = toAxes.length - 1;
  const points = toAxes.map((a, k) => (dense && k === last ? { ...a, size: a.size / BLOCK } : a));
  emitPoints(w, points, false, context.space, (found) => {
    const at = dense ? found.map((i, k) => (k === last ? `(${i} * ${BLOCK}u)` : i)) : found;
    const there = indexOf(w, from, alongOf(fromAxes, at, 1));
    const here = indexOf(w, to, alongOf(toAxes, at, 1));
    w.emit(dense ? store4(w, to, here, load4(w, from, there)) : store(to, here, load(from, there)));
  });
}

export function emitRowProduct(
  w: KernelWriter,
  contract: Contract,
  context: Context,
  resident?: Resident,
): void {
  const { space } = context;
  const product = space.kind === 'tile' ? rowProductOf(contract, space.axis, context.place) : null;
  if (!product || space.kind !== 'tile') {
    emitLoop(w, contractAsLoop(contract), context);
    return;
  }
  const { columns, depth, dense, row } = product;
  const base = (o: Operand): Base =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock);
  const a = base(product.a);
  // First what is resident, then what is not: the sum keeps its order.
  const deepness = sizeOfAll(depth);
  const sources: { readonly from: RowProduct; readonly weight: Base; readonly first: number }[] =
    [];
  const near = resident?.depth ?? 0;
  if (resident)
    sources.push({
      from: fromCopy(product, near),
      weight: copyBase(product, resident.array),
      first: 0,
    });
  if (near < deepness) sources.push({ from: product, weight: base(product.weight), first: near });
  const out = base(product.out);
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
    for (const { from, weight, first: begin } of sources) {
      const at = (base: Base, window: number, k: readonly string[], names?: RowNames): string =>
        indexOf(
          w,
          base,
          [...alongOf(from.columns, c, window), ...alongOf(from.depth, k, window)],
          names && { names, stride: row.strides[window] as number },
        );
      emitOver(w, from.depth, space, { number: `${begin}u`, of: 1, step }, (k) => {
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
    }
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
