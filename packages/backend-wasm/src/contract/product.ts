/**
 * The loops around the tiles: batch, blocks of the depth, blocks of rows, panels of columns. Knows where everything
 * lies; leaves the arithmetic to kernel.ts.
 */
import { sizeOfAxes } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import { type Extras, need } from '../need.ts';
import { emitTile, type Kernel, kernelLocals } from './kernel.ts';
import { packMatrix } from './panels.ts';
import { type ByteAxis, type ContractPlan, panelStride } from './plan.ts';
import { ahead, type Cursor, copy, move, overAxes, type Range, type Steps } from './walk.ts';

export type { Range } from './walk.ts';

type Address = Local<'i32'>;

export interface Packed {
  readonly a?: Value<'i32'> | undefined;
  readonly b?: Value<'i32'> | undefined;
  readonly scratch?: Value<'i32'> | undefined;
  /** Needed for ranges, copied rows, edges and partial sums. */
  readonly extras?: Extras | undefined;
}

/**
 * Computes the out, or the part of it that `range` says: `plan.range.size` is the whole. Packed operands are at the
 * addresses given; `scratch` is for this call alone.
 */
export function emitProduct(
  f: FunctionBuilder,
  plan: ContractPlan,
  buffers: readonly Address[],
  packed: Packed,
  range?: Range,
): void {
  const all = (): void => emitBatch(f, plan, buffers, packed, range);
  if (range) f.if(f.get(range.count), all);
  else all();
}

function emitBatch(
  f: FunctionBuilder,
  plan: ContractPlan,
  buffers: readonly Address[],
  packed: Packed,
  range: Range | undefined,
): void {
  const { shared, from } = begin(f, plan, buffers, packed, range);
  const outer = [...plan.batch, ...plan.outerColumns].map((axis, k) => {
    const steps = ranged(axis, plan, range, 'batch', k);
    return plan.source === 'panels' ? { ...steps, b: axis.panels } : steps;
  });
  overAxes(f, outer, from, (cursor) => emitMatrix(f, shared, cursor));
}

/** Where the operands begin, and what all blocks share. */
export function begin(
  f: FunctionBuilder,
  plan: ContractPlan,
  buffers: readonly Address[],
  packed: Packed,
  range: Range | undefined,
): { readonly shared: Shared; readonly from: Cursor } {
  const { source, scratchParts } = plan;
  const start = (place: ContractPlan['a']): Value<'i32'> =>
    i32.add(f.get(buffers[place.buffer] as Address), place.bytes);
  const panels = plan.swapped ? packed.a : packed.b;
  const from: Cursor = {
    a: f.let('a', start(plan.a)),
    b: f.let('b', source === 'panels' && panels ? panels : start(plan.b)),
    out: f.let('out', start(plan.out)),
  };
  const partialSums = sizeOfAxes(plan.blocks) * Math.ceil(lastOf(plan.depth).size / plan.depthStep);
  let used = 0;
  const area = (name: string, bytes: number): Address | undefined => {
    if (bytes === 0 || !packed.scratch) return undefined;
    const address = f.let(name, i32.add(packed.scratch, used));
    used += bytes;
    return address;
  };
  const shared: Shared = {
    ...kernelLocals(f, plan),
    plan,
    range,
    row: plan.rows.a,
    depth: depthSteps(plan),
    mask: partialSums > 1 ? need(packed.extras).maskLocals(f) : undefined,
    edge: area('edge', scratchParts.edge),
    panels: area('panels', scratchParts.panels),
    copied: area('copied', scratchParts.rows),
    extras: packed.extras,
  };
  return { shared, from };
}

export interface Shared extends Omit<Kernel, 'steps'> {
  readonly range: Range | undefined;
  /** Where panels are packed block by block, and rows of a. */
  readonly panels: Address | undefined;
  readonly copied: Address | undefined;
}

/** What the tiles of some rows need; with `steps` of the depth, where blocks differ, and the count of panels, where ranges do. */
export type Block = Shared & Pick<Kernel, 'steps'> & { readonly count?: Address | undefined };

const lastOf = <T>(list: readonly T[]): T => list.at(-1) as T;

function ranged(
  axis: ByteAxis,
  { range: where }: ContractPlan,
  range: Range | undefined,
  at: 'batch' | 'outerRows',
  index: number,
): Steps {
  return where.at === at && where.index === index ? { ...axis, range } : axis;
}

/** Strides of the depth within what tiles read. */
function depthSteps({ source, depth, tile }: ContractPlan): Kernel['depth'] {
  if (source === 'place') return depth;
  return depth.map(({ size, a }, k) => ({
    size,
    a,
    b: 4 * tile.columns * sizeOfAxes(depth.slice(k + 1)),
  }));
}

function emitMatrix(f: FunctionBuilder, shared: Shared, from: Cursor): void {
  const { plan, mask, extras } = shared;
  if (!mask) emitBlock(f, { ...shared, steps: undefined }, from);
  else
    need(extras).emitPartialSums(f, mask, [{ plan, from }], ([cursor], steps) =>
      emitBlock(f, { ...shared, steps }, cursor as Cursor),
    );
}

/** One partial sum of all rows and columns. */
function emitBlock(f: FunctionBuilder, block: Block, from: Cursor): void {
  const { plan, panels, steps, extras } = block;
  const { depth } = plan;
  const range = plan.range.at === 'panels' ? block.range : undefined;
  const first = range ? ahead(f, from, stepOfPanels(plan), f.get(range.first)) : from;
  if (panels)
    packMatrix(f, plan, { b: first.b, to: panels, depth, steps, count: range?.count }, extras);
  emitAllRows(f, { ...block, count: range?.count }, { ...first, b: panels ?? from.b });
}

/** The same of a block whose panels are packed, if they are to be. */
export function emitAllRows(f: FunctionBuilder, block: Block, from: Cursor): void {
  const { plan } = block;
  const outerRows = plan.outerRows.map((axis, k) => ({
    ...ranged(axis, plan, block.range, 'outerRows', k),
    b: 0,
  }));
  const rowRange = plan.range.at === 'rows' ? block.range : undefined;
  overAxes(f, outerRows, from, (cursor) => emitRows(f, block, cursor, rowRange));
}

/** In the operands themselves. */
export const stepOfPanels = ({ tile, columns }: ContractPlan) => ({
  a: 0,
  b: tile.columns * columns.b,
  out: tile.columns * columns.out,
});

/** The same in what tiles read, which may be packed. */
export const panelStep = (plan: ContractPlan) => ({ ...stepOfPanels(plan), b: panelStride(plan) });

export const stepOfRows = ({ rows }: ContractPlan, n: number) => ({
  a: n * rows.a,
  b: 0,
  out: n * rows.out,
});

/** Some tiles of one height. */
export interface Height {
  readonly rows: number;
  /** 0 may only be what is known when the code runs. */
  readonly tiles: number | Value<'i32'>;
  /** It is the last one, and runs with several panels at once: see wide.ts. */
  readonly wide?: boolean;
}

/** All tiles of a block, or of a range of its rows: see heights.ts. */
function emitRows(f: FunctionBuilder, block: Block, from: Cursor, range: Range | undefined): void {
  const { plan, copied } = block;
  const cursor = range ? ahead(f, from, stepOfRows(plan, 1), f.get(range.first)) : from;
  const { rows, tile } = plan;
  const heights =
    range || rows.size > tile.rows
      ? need(block.extras).heightsOf(f, plan, range)
      : [{ rows: rows.size, tiles: 1 }];
  if (copied || plan.rows.size > plan.blockRows)
    need(block.extras).emitRowBlocks(f, block, heights, cursor);
  else emitPanels(f, inPlace(block, heights), cursor);
}

export function ifAny(f: FunctionBuilder, n: Height['tiles'], body: () => void): void {
  if (typeof n === 'number') body();
  else f.if(n, body);
}

/** Tiles of one height, and the bytes of a from one to the next. */
export interface Placed extends Height {
  readonly block: Block;
  readonly tileOfA: number;
}

export const inPlace = (block: Block, heights: readonly Height[]): readonly Placed[] =>
  heights.map((h) => ({ ...h, block, tileOfA: h.rows * block.plan.rows.a }));

/** All tiles with each panel of columns, so that a panel comes near once. */
export function emitPanels(f: FunctionBuilder, heights: readonly Placed[], from: Cursor): void {
  const { plan, count, extras } = (heights[0] as Placed).block;
  const { columns, tile } = plan;
  const panels = count ? f.get(count) : Math.ceil(columns.size / tile.columns);
  const cursor = copy(f, from);
  if (heights.at(-1)?.wide) {
    need(extras).emitInThrees(f, heights, cursor, panels);
    return;
  }
  const uneven = columns.size % tile.columns > 0;
  const rest = uneven ? f.let('columns', i32.const(columns.size)) : undefined;
  const width = rest && f.local('i32', 'width');
  f.times(panels, () => {
    if (rest && width) f.set(width, i32.min(f.get(rest), i32.const(tile.columns)));
    const inner = copy(f, cursor);
    for (const { block, rows, tiles, tileOfA } of heights)
      ifAny(f, tiles, () =>
        f.times(tiles, () => {
          emitTile(f, block, rows, inner, width);
          move(f, inner, { a: tileOfA, b: 0, out: rows * plan.rows.out });
        }),
      );
    move(f, cursor, panelStep(plan));
    if (rest) f.advance(rest, -tile.columns);
  });
}
