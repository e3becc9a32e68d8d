/**
 * Several products with the same out, and biases, which are its columns': each tile of the out is summed in registers from
 * the biases on, one product after another. Knows plans and places; leaves the arithmetic to kernel.ts.
 */
import { type Contract, type Operand, sizeOfAxes } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value, v128 } from '../assembler/instructions.ts';
import type { Extras } from '../need.ts';
import type { Target } from '../target.ts';
import { countOf, heightsOf } from './heights.ts';
import { emitDepth, emitStore, type Kernel } from './kernel.ts';
import { skip } from './pieces.ts';
import { type ContractPlan, orientations, planContract, planOrientation } from './plan.ts';
import { begin, type Height, ifAny, type Packed, panelStep, stepOfRows } from './product.ts';
import { nearPanel } from './tile.ts';
import { ahead, type Cursor, copy, type Range } from './walk.ts';
import { inThrees, widened } from './wide.ts';

interface Wanted {
  /** Slots whose packing is kept. */
  readonly constants: ReadonlySet<number>;
  readonly rangeAxis: number | undefined;
  readonly extras: Extras | undefined;
}

/** Plans with tiles at the same places; undefined where there are none, or where these need more than tiles of rows. */
export function planAffine(
  products: readonly Contract[],
  target: Target,
  { constants, rangeAxis, extras }: Wanted,
): readonly ContractPlan[] | undefined {
  const optionsOf = ({ args }: Contract) => {
    const [a, b] = args.map((o) => constants.has(o.slot)) as [boolean, boolean];
    return { constant: { a, b }, extras, ...(rangeAxis !== undefined && { rangeAxis }) };
  };
  const [head, ...others] = products as [Contract, ...Contract[]];
  const first = planContract(head, target, optionsOf(head));
  const plans = others.map((product): ContractPlan | undefined => {
    const options = { ...optionsOf(product), panel: first.tile.columns };
    const same = orientations(product, options).find((o) => o.swapped === first.swapped);
    return same && planOrientation(product, target, options, same).plan;
  });
  const all = [first, ...plans].filter((p) => p !== undefined);
  if (all.length < products.length || !all.every((p) => isSimple(p, first, rangeAxis)))
    return undefined;
  const panels = all.reduce((n, { depth }) => n + 4 * first.tile.columns * sizeOfAxes(depth), 0);
  return plans.length === 0 || panels <= nearPanel ? all : undefined;
}

function isSimple(
  plan: ContractPlan,
  { tile, columns, rows }: ContractPlan,
  rangeAxis: number | undefined,
): boolean {
  const outer = [...plan.batch, ...plan.outerColumns, ...plan.outerRows, ...plan.blocks];
  return (
    outer.length === 0 &&
    plan.source === 'panels' &&
    plan.rowSource === 'place' &&
    plan.depthStep === plan.depth.at(-1)?.size &&
    plan.columns.size === columns.size &&
    columns.out === 4 &&
    columns.size % tile.columns === 0 &&
    plan.tile.columns === tile.columns &&
    plan.rows.size === rows.size &&
    rows.size <= plan.blockRows &&
    (rangeAxis === undefined || plan.range.at === 'rows')
  );
}

export function emitAffine(
  f: FunctionBuilder,
  plans: readonly ContractPlan[],
  buffers: readonly Local<'i32'>[],
  {
    packed,
    biases,
    onto,
    far,
    range,
  }: {
    readonly packed: readonly Packed[];
    readonly biases: readonly Operand[];
    readonly onto: boolean;
    /** Whose rows are in no near cache. */
    readonly far: readonly ContractPlan[];
    readonly range: Range | undefined;
  },
): void {
  const all = (): void => {
    const begun = plans.map((plan, k) => {
      const { shared, from } = begin(f, plan, buffers, packed[k] as Packed, range);
      const cursor = range ? ahead(f, from, stepOfRows(plan, 1), f.get(range.first)) : from;
      return { shared, cursor };
    });
    for (const { shared, cursor } of begun)
      if (far.includes(shared.plan)) askForRows(f, shared.plan, cursor.a, range);
    const { shared } = begun[0] as (typeof begun)[number];
    const { plan, sums, rowOfB, columnOfA, at } = shared;
    const kernels = begun.map(
      (p): Kernel => ({ ...p.shared, steps: undefined, sums, rowOfB, columnOfA, at }),
    );
    const from: At = {
      onto,
      cursors: begun.map((p) => copy(f, p.cursor)),
      biases: biases.map(({ buffer, offset }) =>
        f.let('bias', i32.add(f.get(buffers[buffer] as Local<'i32'>), 4 * offset)),
      ),
    };
    const heights = heightsOf(f, plan, range);
    const panels = plan.columns.size / plan.tile.columns;
    const last = heights.at(-1) as Height;
    if (!last.wide) {
      emitPanels(f, kernels, heights, from, panels);
      return;
    }
    const tall = heights.slice(0, -1);
    const rest = (): At => {
      const at = copyOf(f, from);
      for (const { rows, tiles } of tall) skipRows(f, kernels, at, rows, countOf(tiles));
      return at;
    };
    inThrees(f, panels, last.tiles, {
      tall: (panels) => emitPanels(f, kernels, tall, copyOf(f, from), f.get(panels)),
      wide: () => emitTile(f, kernels.map(widened), last.rows, rest()),
      narrow: (panels) => emitPanels(f, kernels, [last], rest(), f.get(panels)),
      next: (panels) => skipPanels(f, kernels, from, f.get(panels)),
    });
  };
  if (range) f.if(f.get(range.count), all);
  else all();
}

/** Of a cache, in bytes. */
const LINE = 64;

/** Reads a word of each line of dense rows: all misses at once, where tiles would wait for those of six rows at a time. */
function askForRows(
  f: FunctionBuilder,
  { rows, depth }: ContractPlan,
  a: Local<'i32'>,
  range: Range | undefined,
): void {
  const [axis, ...others] = depth as [ContractPlan['depth'][number]];
  if (others.length > 0 || axis.a !== 4) return;
  const at = f.let('row', f.get(a));
  f.times(range ? f.get(range.count) : rows.size, () => {
    for (let b = 0; b < 4 * axis.size; b += LINE) f.let('asked', i32.load(f.get(at), b));
    f.advance(at, rows.a);
  });
}

/** Where a tile begins: in each product, and in each bias; and whether from what its out holds. */
interface At {
  readonly onto: boolean;
  readonly cursors: readonly Cursor[];
  readonly biases: readonly Local<'i32'>[];
}

const copyOf = (f: FunctionBuilder, { cursors, biases, onto }: At): At => ({
  onto,
  cursors: cursors.map((c) => copy(f, c)),
  biases: biases.map((b) => f.let('bias', f.get(b))),
});

/** On by `n` tiles of so many rows. */
function skipRows(
  f: FunctionBuilder,
  kernels: readonly Kernel[],
  { cursors }: At,
  rows: number,
  n: Value<'i32'>,
): void {
  kernels.forEach(({ plan }, k) => {
    skip(f, cursors[k] as Cursor, stepOfRows(plan, rows), n);
  });
}

function skipPanels(
  f: FunctionBuilder,
  kernels: readonly Kernel[],
  { cursors, biases }: At,
  n: Value<'i32'>,
): void {
  kernels.forEach(({ plan }, k) => {
    skip(f, cursors[k] as Cursor, panelStep(plan), n);
  });
  const bytes = 4 * (kernels[0] as Kernel).plan.tile.columns;
  for (const bias of biases) f.advance(bias, i32.mul(n, bytes));
}

/** All tiles with each of so many panels. Moves `from`. */
function emitPanels(
  f: FunctionBuilder,
  kernels: readonly Kernel[],
  heights: readonly Height[],
  from: At,
  panels: number | Value<'i32'>,
): void {
  f.times(panels, () => {
    const at = { ...from, cursors: from.cursors.map((c) => copy(f, c)) };
    for (const { rows, tiles } of heights)
      ifAny(f, tiles, () =>
        f.times(tiles, () => {
          emitTile(f, kernels, rows, at);
          skipRows(f, kernels, at, rows, i32.const(1));
        }),
      );
    skipPanels(f, kernels, from, i32.const(1));
  });
}

function emitTile(
  f: FunctionBuilder,
  kernels: readonly Kernel[],
  rows: number,
  { cursors, biases, onto }: At,
): void {
  const [first] = kernels as readonly [Kernel];
  const sums = first.sums.slice(0, rows);
  const { out } = cursors[0] as Cursor;
  const add = (x: Value<'v128'>, y: Value<'v128'>): Value<'v128'> => v128.f32x4('add', x, y);
  const top = sums[0] as (typeof sums)[number];
  const common = top.map((_, v) => biases.map((b) => v128.load(f.get(b), 16 * v)));
  if (onto) {
    f.set(first.at.out, f.get(out));
    sums.forEach((row, r) => {
      row.forEach((sum, v) => {
        f.set(sum, (common[v] ?? []).reduce(add, v128.load(f.get(first.at.out), 16 * v)));
      });
      if (r < rows - 1) f.advance(first.at.out, first.plan.rows.out);
    });
  } else {
    top.forEach((sum, v) => {
      const [value = v128.constF32(0), ...more] = common[v] ?? [];
      f.set(sum, more.reduce(add, value));
    });
    for (const row of sums.slice(1))
      row.forEach((sum, v) => {
        f.set(sum, f.get(top[v] as typeof sum));
      });
  }
  kernels.forEach((kernel, k) => {
    emitDepth(f, kernel, rows, cursors[k] as Cursor);
  });
  emitStore(f, first, sums, out, undefined);
}
