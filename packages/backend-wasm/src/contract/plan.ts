/**
 * How a product is computed: which operand has the rows, the tile, what is packed and the blocks of the depth. Plain
 * data; knows no instruction of the machine.
 */
import {
  type Axis,
  type Contract,
  exchange,
  type Operand,
  type ProductAxes,
  productAxes,
  sizeOfAxes,
} from '@ostinato/core/backend';
import { type Extras, need } from '../need.ts';
import type { Target } from '../target.ts';
import { chooseTile, type Tile, unitOf } from './tile.ts';

/** An axis with strides in bytes. */
export interface ByteAxis {
  readonly size: number;
  readonly a: number;
  readonly b: number;
  readonly out: number;
  /** Of the packed b, where it is packed as a whole. */
  readonly panels: number;
}

/** Where an operand begins. */
export interface Place {
  readonly buffer: number;
  readonly bytes: number;
}

/** Which axis of the plan a range counts; or panels, so that each thread packs its own. */
export type RangeAxis =
  | { readonly at: 'rows' | 'panels' }
  | { readonly at: 'batch' | 'outerRows'; readonly index: number };

export interface ContractPlan {
  readonly target: Target;
  /** In the plan, `a` has the rows: the instruction's second operand if they changed places. */
  readonly swapped: boolean;
  readonly a: Place;
  readonly b: Place;
  readonly out: Place;
  readonly tile: Tile;
  readonly batch: readonly ByteAxis[];
  readonly outerColumns: readonly ByteAxis[];
  readonly outerRows: readonly ByteAxis[];
  readonly rows: ByteAxis;
  readonly columns: ByteAxis;
  /** Axes of the depth whose every index gives a partial sum of its own; then those within one. */
  readonly blocks: readonly ByteAxis[];
  readonly depth: readonly ByteAxis[];
  /** The last axis of `depth` is cut into blocks of so many. */
  readonly depthStep: number;
  /** Steps of the depth that one partial sum has, at most (but for rounding up). */
  readonly longest: number;
  /** What tiles read: b itself, panels packed as a whole, or panels packed block by block. */
  readonly source: 'place' | 'panels' | 'blocks';
  /** What tiles read of a: itself, or blocks of rows copied one after another or tile by tile. */
  readonly rowSource: 'place' | 'rows' | 'tiles';
  /** Rows of such a block, at most. */
  readonly blockRows: number;
  /** All rows where there are no extras: nothing has ranges then. */
  readonly range: RangeAxis & { readonly size: number };
  /** Bytes of the panels of the instruction's operands; 0 where one is used in place. */
  readonly packA: number;
  readonly packB: number;
  /** Bytes that a run needs for itself: each thread its own. */
  readonly scratch: number;
  /** What they are for: tiles that the out cannot take as they are, panels of a block, copied rows. */
  readonly scratchParts: { readonly edge: number; readonly panels: number; readonly rows: number };
}

export interface PlanOptions {
  /** Operands that stay the same over many runs: packing them costs nothing. */
  readonly constant?: { readonly a?: boolean; readonly b?: boolean };
  /** The axis of the out, as in `instr.shape`, that ranges count; else the plan chooses what they count. */
  readonly rangeAxis?: number;
  /** Needed for such an axis. */
  readonly extras?: Extras | undefined;
  /** b is packed block by block, in panels of this width: others read them too. */
  readonly panel?: number;
  /** What another plan of the same product has: then each of its sums has the same bits. */
  readonly longest?: number;
}

/** Whether a product kernel is the right one: else `contractAsLoop`. */
export function suits(instr: Contract): boolean {
  if ([...instr.args, ...instr.outs].some((o) => o.dtype !== 'float32')) return false;
  if ([...instr.shape, ...instr.over].includes(0)) return false;
  const { rows, columns, depth } = productAxes(instr);
  return depth.length > 0 && rows.length + columns.length > 0;
}

/**
 * The operand that is a matrix with its depth side by side, where the other is one or two vectors of that: a loop sums
 * such a product from memory as it lies, in half the time that packing it would take.
 */
export function matrixOfVectors(instr: Contract): Operand | undefined {
  const { batch, rows, columns, depth } = productAxes(instr);
  const inner = depth.at(-1)?.strides;
  if (batch.length > 0 || inner?.[0] !== 1 || inner[1] !== 1) return undefined;
  const few = (axes: readonly Axis[]): boolean => sizeOfAxes(axes) <= 2;
  if (few(columns) && !few(rows)) return instr.args[0];
  return few(rows) && !few(columns) ? instr.args[1] : undefined;
}

export function planContract(
  instr: Contract,
  target: Target,
  options: PlanOptions = {},
): ContractPlan {
  const plans = orientations(instr, options).map((o) => planOrientation(instr, target, options, o));
  return plans.reduce((best, p) => (p.cycles < best.cycles ? p : best)).plan;
}

export interface Orientation {
  readonly axes: ProductAxes;
  readonly swapped: boolean;
  /** The axis that ranges count, kept apart from the others; it is among the rows or the batch. */
  readonly ranged: Axis | undefined;
}

/** Either operand may have the rows, unless ranges count an axis of one of them. */
export function orientations(
  instr: Contract,
  { rangeAxis, extras }: PlanOptions,
): readonly Orientation[] {
  if (rangeAxis !== undefined) return need(extras).rangedOrientations(instr, rangeAxis);
  const axes = productAxes(instr);
  return [
    { axes, swapped: false, ranged: undefined },
    { axes: exchange(axes), swapped: true, ranged: undefined },
  ];
}

/** A depth up to this is summed at once: each further partial sum reads and writes the whole out. */
const shortDepth = 1024;
/** Blocks of a longer one have panels of this many bytes: they stay in the first cache, all of them in the second. */
const panelBytes = 1 << 14;
/** Where panels are read once, partial sums of this many elements keep rounding small. */
const longestSum = 2048;

export function planOrientation(
  instr: Contract,
  target: Target,
  options: PlanOptions,
  { axes, swapped, ranged }: Orientation,
): { plan: ContractPlan; cycles: number } {
  const [first, second] = swapped ? [instr.args[1], instr.args[0]] : instr.args;
  const constant = swapped ? options.constant?.a : options.constant?.b;
  const isBatch = ranged !== undefined && (ranged.strides[0] === 0) === (ranged.strides[1] === 0);
  const batch = axes.batch.map(inBytes);
  const rowAxes = axes.rows.map(inBytes);
  if (ranged) (isBatch ? batch : rowAxes).unshift(inBytes(ranged));
  const byRows = splitLast(rowAxes, (x) => x.size);
  const byColumns = splitLast(axes.columns.map(inBytes), columnsWeight);
  const rows = byRows.inner;
  const columns = byColumns.inner;
  const given = ranged && (isBatch ? batch[0] : rowAxes[0]);
  const depthSize = sizeOfAxes(axes.depth);

  const dense = columns.b === 4 && columns.size % unitOf(target) === 0;
  const choose = (exact: boolean | number) =>
    chooseTile({ rows: rows.size, columns: columns.size, depth: depthSize }, target, exact);
  // A wider panel of a long depth would leave the first cache, or be cut into more partial sums.
  const narrow = !constant && depthSize > shortDepth / 4 && columns.size >= 2 * unitOf(target);
  const packedTile = choose(options.panel ?? (narrow && 2 * unitOf(target)));
  const placeTile = dense && !constant && !options.panel && choose(true);
  const packing = columns.size * depthSize * (constant ? 0 : packingCycles(columns, axes.depth));
  const inPlace = placeTile && placeTile.cycles * inPlacePenalty < packedTile.cycles + packing;
  const { tile } = inPlace ? placeTile : packedTile;
  const source = inPlace ? 'place' : constant ? 'panels' : 'blocks';

  const once = source === 'panels' || rows.size <= tile.rows;
  const blockDepth = once ? longestSum : panelBytes / (4 * tile.columns);
  const longest = options.longest ?? (depthSize <= shortDepth ? shortDepth : blockDepth);
  const { blocks, depth, depthStep } = partsOfDepth(axes.depth.map(inBytes), longest, options);
  const paddedColumns = Math.ceil(columns.size / tile.columns) * tile.columns;
  const panelsOfMatrix = 4 * paddedColumns * depthSize;
  const outer = withPanels([...batch, ...byColumns.outer], panelsOfMatrix);
  const packed = source === 'panels' ? outer.bytes : 0;
  const storesVectors = columns.out === 4 && columns.size % unitOf(target) === 0;
  const edge = storesVectors ? 0 : 4 * tile.rows * tile.columns;
  const steps = stepsOf({ depth, depthStep });
  const stride = panelStride({ source, columns, tile, blocks, depth, depthStep });
  const blockPanels = source === 'blocks' ? (paddedColumns / tile.columns) * stride : 0;
  const blockRows = Math.max(tile.rows, Math.min(rows.size, Math.floor(blockBytes / (4 * steps))));
  const rowSource = chooseRowSource(rows, depth, source, paddedColumns / tile.columns);
  const copiedRows =
    rowSource === 'place' ? 0 : blockRows * copiedRowBytes({ rowSource, depth, depthStep });

  const matrices = sizeOfAxes(axes.batch) * sizeOfAxes(byColumns.outer) * sizeOfAxes(byRows.outer);
  const sums = sizeOfAxes(blocks) * Math.ceil((depth.at(-1) as ByteAxis).size / depthStep);
  const storing = rows.size * columns.size * sums * (columns.out === 4 ? 0.5 : 8);
  const copying = rowSource === 'place' ? 0 : rows.size * depthSize * copyingCycles;
  const cycles =
    matrices *
      (storing + copying + (inPlace ? placeTile.cycles * inPlacePenalty : packedTile.cycles)) +
    (inPlace ? 0 : (matrices / sizeOfAxes(byRows.outer)) * packing);
  const plan: ContractPlan = {
    target,
    swapped,
    a: { buffer: first.buffer, bytes: 4 * first.offset },
    b: { buffer: second.buffer, bytes: 4 * second.offset },
    out: { buffer: instr.outs[0].buffer, bytes: 4 * instr.outs[0].offset },
    tile,
    batch: outer.axes.slice(0, batch.length),
    outerColumns: outer.axes.slice(batch.length),
    outerRows: byRows.outer,
    rows,
    columns,
    blocks,
    depth,
    depthStep,
    longest,
    source,
    rowSource,
    blockRows,
    range: options.extras?.rangeOf({ source, columns, tile }, { rows: byRows, batch, given }) ?? {
      at: 'rows',
      size: rows.size,
    },
    packA: swapped ? packed : 0,
    packB: swapped ? 0 : packed,
    scratch: edge + blockPanels + copiedRows,
    scratchParts: { edge, panels: blockPanels, rows: copiedRows },
  };
  return { plan, cycles };
}

/** What of a stays in the second cache while panels pass by. */
export const blockBytes = 1 << 17;

/** Steps of the depth in a block, at most. */
const stepsOf = ({ depth, depthStep }: Pick<ContractPlan, 'depth' | 'depthStep'>): number =>
  sizeOfAxes(depth.slice(0, -1)) * depthStep;

/**
 * Bytes from one panel of columns to the next. Those of a block are written row by row: a line of the cache between
 * them, so that not all of them are in the same set.
 */
export function panelStride(
  plan: Pick<ContractPlan, 'source' | 'columns' | 'tile' | 'blocks' | 'depth' | 'depthStep'>,
): number {
  const { source, columns, tile, blocks, depth } = plan;
  if (source === 'place') return tile.columns * columns.b;
  if (source === 'panels') return 4 * tile.columns * sizeOfAxes(blocks) * sizeOfAxes(depth);
  return 4 * tile.columns * stepsOf(plan) + 64;
}

/** A line of the cache between copied rows, so that not all of them begin in the same set. */
export const copiedRowBytes = (
  plan: Pick<ContractPlan, 'rowSource' | 'depth' | 'depthStep'>,
): number => 4 * stepsOf(plan) + (plan.rowSource === 'rows' ? 64 : 0);

/**
 * Steps of the depth that lie far apart in a, or rows a page apart, fall into few sets of the caches: a copy pays once
 * several panels read it.
 */
function chooseRowSource(
  rows: ByteAxis,
  depth: readonly ByteAxis[],
  source: ContractPlan['source'],
  panels: number,
): ContractPlan['rowSource'] {
  const inner = depth.at(-1) as ByteAxis;
  if (Math.min(panels, rows.size) < leastCopied) return 'place';
  if (depth.length > 1 && (source === 'place' || inner.a === 4)) return 'place';
  if (inner.a === 4) return rows.a % 4096 === 0 && inner.size >= 64 ? 'rows' : 'place';
  return rows.a === 4 && Math.abs(inner.a) >= farApart ? 'tiles' : 'place';
}

/** Rows, and panels that read them. */
const leastCopied = 4;

const farApart = 512;

/** Reading rows of b where they lie, instead of a panel in one run. */
const inPlacePenalty = 1.1;

/** Cycles per element of rows that are copied. */
const copyingCycles = 0.7;

/** Cycles per element: vectors along the columns; four by four, transposed; one by one. */
function packingCycles(columns: ByteAxis, depth: readonly Axis[]): number {
  if (columns.b === 4) return 0.4;
  return depth.at(-1)?.strides[1] === 1 ? 0.7 : 1.5;
}

const inBytes = ({ size, strides }: Axis): ByteAxis => ({
  size,
  a: 4 * (strides[0] as number),
  b: 4 * (strides[1] as number),
  out: 4 * (strides[2] as number),
  panels: 0,
});

/** Columns that lie side by side in the out (and in b) come first, then long ones. */
const columnsWeight = ({ size, b, out }: ByteAxis): number =>
  Math.min(size, 64) * (out === 4 ? 4 : 1) * (b === 4 ? 1.5 : 1) + size / 1e6;

const one: ByteAxis = { size: 1, a: 0, b: 0, out: 4, panels: 0 };

/** The heaviest axis, for the tiles; the others, for loops around. */
function splitLast(
  axes: readonly ByteAxis[],
  weight: (a: ByteAxis) => number,
): { outer: ByteAxis[]; inner: ByteAxis } {
  const inner = axes.reduce((best, a) => (weight(a) > weight(best) ? a : best), axes[0] ?? one);
  return { outer: axes.filter((a) => a !== inner), inner };
}

function partsOfDepth(
  axes: readonly ByteAxis[],
  limit: number,
  { extras }: PlanOptions,
): Pick<ContractPlan, 'blocks' | 'depth' | 'depthStep'> {
  const [depth = one, ...more] = axes;
  return more.length === 0 && depth.size <= limit
    ? { blocks: [], depth: [depth], depthStep: depth.size }
    : need(extras).cutDepth(axes, limit);
}

/** Where the panels of each index of the outer axes lie, the last axis innermost. */
function withPanels(
  axes: readonly ByteAxis[],
  bytesOfMatrix: number,
): { axes: ByteAxis[]; bytes: number } {
  let bytes = bytesOfMatrix;
  const out = [...axes].reverse().map((axis) => {
    if (axis.b === 0) return axis;
    const panels = bytes;
    bytes *= axis.size;
    return { ...axis, panels };
  });
  return { axes: out.reverse(), bytes };
}
