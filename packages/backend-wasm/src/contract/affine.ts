/**
 * Several products with the same out, and biases, which are its columns': each tile of the out is summed in registers from
 * the biases on, one product after another. Knows plans and places; leaves the arithmetic to kernel.ts.
 */
import type { Contract, Operand } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, v128 } from '../assembler/instructions.ts';
import { type Extras, need } from '../need.ts';
import type { Target } from '../target.ts';
import { emitDepth, emitStore, type Kernel } from './kernel.ts';
import {
  type ContractPlan,
  orientations,
  panelStride,
  planContract,
  planOrientation,
  sizeOf,
} from './plan.ts';
import { begin, ifAny, type Packed, stepOfPanels, stepOfRows } from './product.ts';
import { splitRows } from './tile.ts';
import { ahead, type Cursor, copy, move, type Range } from './walk.ts';

interface Wanted {
  /** Slots whose packing is kept. */
  readonly constants: ReadonlyMap<number, unknown>;
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
  const panels = all.reduce((n, { depth }) => n + 4 * first.tile.columns * sizeOf(depth), 0);
  return plans.length === 0 || panels <= MOST_PANELS ? all : undefined;
}

/** All panels that a tile reads: with the tile's rows they stay in the first cache. */
const MOST_PANELS = 1 << 14;

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
    range,
  }: {
    readonly packed: readonly Packed[];
    readonly biases: readonly Operand[];
    readonly range: Range | undefined;
  },
): void {
  const all = (): void => {
    const parts = plans.map((plan, k) => {
      const { shared, from } = begin(f, plan, buffers, packed[k] as Packed, range);
      return {
        plan,
        shared,
        from: range ? ahead(f, from, stepOfRows(plan, 1), f.get(range.first)) : copy(f, from),
      };
    });
    const { plan, shared } = parts[0] as (typeof parts)[number];
    const { sums, rowOfB, columnOfA, at } = shared;
    const kernels = parts.map(
      (p): Kernel => ({ ...p.shared, steps: undefined, sums, rowOfB, columnOfA, at }),
    );
    const starts = biases.map(({ buffer, offset }) =>
      f.let('bias', i32.add(f.get(buffers[buffer] as Local<'i32'>), 4 * offset)),
    );
    const heights = range
      ? need(shared.extras).heightsOf(f, plan, range)
      : splitRows(plan.rows.size, plan.tile.rows);
    f.times(plan.columns.size / plan.tile.columns, () => {
      const inner = parts.map((p) => copy(f, p.from));
      for (const { rows, tiles } of heights)
        ifAny(f, tiles, () =>
          f.times(tiles, () => {
            emitTile(f, kernels, rows, inner, starts);
            parts.forEach((p, k) => {
              move(f, inner[k] as Cursor, stepOfRows(p.plan, rows));
            });
          }),
        );
      for (const p of parts) move(f, p.from, { ...stepOfPanels(p.plan), b: panelStride(p.plan) });
      for (const bias of starts) f.advance(bias, 4 * plan.tile.columns);
    });
  };
  if (range) f.if(f.get(range.count), all);
  else all();
}

function emitTile(
  f: FunctionBuilder,
  kernels: readonly Kernel[],
  rows: number,
  cursors: readonly Cursor[],
  biases: readonly Local<'i32'>[],
): void {
  const [first] = kernels as readonly [Kernel];
  const sums = first.sums.slice(0, rows);
  const top = sums[0] as (typeof sums)[number];
  top.forEach((sum, v) => {
    const [value = v128.constF32(0), ...more] = biases.map((b) => v128.load(f.get(b), 16 * v));
    f.set(
      sum,
      more.reduce((x, y) => v128.f32x4('add', x, y), value),
    );
  });
  for (const row of sums.slice(1))
    row.forEach((sum, v) => {
      f.set(sum, f.get(top[v] as typeof sum));
    });
  kernels.forEach((kernel, k) => {
    emitDepth(f, kernel, rows, cursors[k] as Cursor);
  });
  emitStore(f, first, sums, (cursors[0] as Cursor).out, undefined);
}
