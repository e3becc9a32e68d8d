/**
 * Products with the operand of the columns in common, such as the gradients of an input's and a state's weights: each
 * block of it is packed once and read by all. Its sum over the depth is one of them too: its product with ones. Knows
 * plans and places; leaves the arithmetic to kernel.ts.
 */
import {
  type Axis,
  type Contract,
  collapse,
  exchange,
  type Loop,
  type Operand,
  productAxes,
  sizeOfAxes,
} from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value, v128 } from '../assembler/instructions.ts';
import type { Extras } from '../need.ts';
import type { Target } from '../target.ts';
import { heightsOf } from './heights.ts';
import { emitStore } from './kernel.ts';
import { packMatrix, rowsOfBlock } from './panels.ts';
import { emitPartialSums, maskLocals } from './partial.ts';
import {
  type ByteAxis,
  type ContractPlan,
  type Place,
  panelStride,
  planOrientation,
} from './plan.ts';
import {
  type Block,
  begin,
  emitAllRows,
  emitPanels,
  inPlace,
  type Shared,
  stepOfPanels,
} from './product.ts';
import { copyHeights } from './rows.ts';
import { ahead, type Cursor, copy, move, overAxes, type Range } from './walk.ts';

/** A product, and which of its operands is the common one. */
export interface Companion {
  readonly contract: Contract;
  readonly common: 0 | 1;
}

/**
 * Plans that agree on how the common operand is packed, as `panel` columns side by side; undefined where there are none.
 * The first one packs.
 */
export function planJoint(
  companions: readonly Companion[],
  target: Target,
  { panel, extras }: { readonly panel: number; readonly extras: Extras },
): readonly ContractPlan[] | undefined {
  const depth = jointDepth(companions);
  const plans = companions.map(({ contract, common }, k): ContractPlan => {
    const axes = productAxes(contract);
    const own = depth.map((axis): Axis => {
      const [b, a] = [axis.strides[0] as number, axis.strides[k + 1] as number];
      return { ...axis, strides: [a, b, 0] };
    });
    const orientation = {
      axes: { ...(common === 1 ? axes : exchange(axes)), depth: own },
      swapped: common === 0,
      ranged: undefined,
    };
    const { plan } = planOrientation(contract, target, { panel, extras }, orientation);
    // Whoever has some panels packs them for all products.
    return { ...plan, range: { at: 'panels', size: plan.columns.size / panel } };
  });
  const packing = plans.map(packingOf);
  if (packing.some((p) => p === undefined || p !== packing[0])) return undefined;
  return plans.map((plan, k) => (k === 0 ? plan : withoutPanels(plan)));
}

/** The sum of what `plan` has in common with others, as a plan of one row. Its tile's rows are sums side by side. */
export function planSum(plan: ContractPlan, { args, outs }: Loop): ContractPlan {
  const common = placeOf(args[0] as Operand);
  return withoutPanels({
    ...plan,
    a: common,
    b: common,
    out: placeOf(outs[0] as Operand),
    tile: { ...plan.tile, rows: CHAINS },
    scratch: plan.scratchParts.panels,
    scratchParts: { ...plan.scratchParts, rows: 0 },
  });
}

const placeOf = ({ buffer, offset }: Operand): Place => ({ buffer, bytes: 4 * offset });

/** Joined as far as all operands let them be: strides of the common one, then of each other. */
function jointDepth(companions: readonly Companion[]): readonly Axis[] {
  const [{ contract, common }] = companions as readonly [Companion];
  const along = ({ contract: c, common }: Companion, which: 0 | 1, k: number): number =>
    c.args[which === 0 ? common : 1 - common]?.strides[c.shape.length + k] as number;
  return collapse(
    contract.over.map((size, k) => ({
      size,
      over: true,
      strides: [along({ contract, common }, 0, k), ...companions.map((c) => along(c, 1, k))],
    })),
  );
}

/** What must be the same; undefined: the columns are not whole panels, or there are outer axes. */
function packingOf(plan: ContractPlan): string | undefined {
  const { batch, outerColumns, blocks, depth, depthStep, tile, columns } = plan;
  const simple = batch.length + outerColumns.length === 0 && columns.out === 4;
  if (!simple || columns.size % tile.columns !== 0) return undefined;
  const steps = [...blocks, ...depth].map(({ size, b }) => [size, b]);
  return JSON.stringify([tile.columns, columns.size, columns.b, depthStep, blocks.length, steps]);
}

const withoutPanels = (plan: ContractPlan): ContractPlan => ({
  ...plan,
  scratch: plan.scratch - plan.scratchParts.panels,
  scratchParts: { ...plan.scratchParts, panels: 0 },
});

/** Products, and a sum, of one common operand. */
export interface Unit {
  readonly plans: readonly ContractPlan[];
  /** Each plan's own. */
  readonly buffers: readonly (readonly Local<'i32'>[])[];
  /** Of the common operand, which is the last plan then. */
  readonly withSum: boolean;
}

interface Part {
  /** So many of the first unit's panels are the next one's, too; for units whose rows are all near. */
  readonly twins: number;
  /** The products' outs are laid out in panels; for units whose rows are all near. */
  readonly inPanels: boolean;
  /** Of the panels; all of them unless given. */
  readonly range: Range | undefined;
  /** 0, or -1: what the outs hold is added to. Then the common operand is near, in the second cache. */
  readonly more: Local<'i32'> | undefined;
}

/** Computes all outs, or a part. */
export function emitJoint(
  f: FunctionBuilder,
  units: readonly Unit[],
  { scratch, extras }: { readonly scratch: Value<'i32'>; readonly extras: Extras },
  { twins, inPanels, range, more }: Part,
): void {
  let used = 0;
  const members = units.flatMap(({ plans, buffers, withSum }) =>
    plans.map((given, k): Member => {
      const isSum = withSum && k === plans.length - 1;
      const plan = inPanels && !isSum ? laidInPanels(given) : given;
      const packed = { scratch: i32.add(scratch, used), extras };
      used += plan.scratch;
      const { shared, from } = begin(f, plan, buffers[k] as readonly Local<'i32'>[], packed, range);
      const first = range ? ahead(f, from, stepOfPanels(plan), f.get(range.first)) : from;
      return { plan, shared, from: first, packs: k === 0, isSum };
    }),
  );
  const { shared } = members[0] as Member;
  // All count the same blocks, so one mask serves.
  const mask = shared.mask ?? (more && maskLocals(f));
  const near = more !== undefined && members.every(({ plan, isSum }) => isSum || isNear(plan));
  const block: EmitBlock = (cursors, steps) => {
    const blocks = members.map(
      ({ shared }): Block => ({ ...shared, mask, steps, count: range?.count }),
    );
    if (near) panelByPanel(f, members, blocks, cursors, { twins, range });
    else panelsFirst(f, members, blocks, cursors);
  };
  const all = (): void => {
    if (mask) emitPartialSums(f, mask, members, block, more);
    else
      block(
        members.map((m) => m.from),
        undefined,
      );
  };
  if (range) f.if(f.get(range.count), all);
  else all();
}

/**
 * An out that is added to again and again: panels one after another, of each the rows one after another. A tile then adds to the
 * lines behind those of the tile before, and the processor has asked for them; rows of 1024 columns are 4 kB apart, and
 * each tile waits for the third cache. Only whole panels are moved by, so that one column is as far as all rows.
 */
const laidInPanels = (plan: ContractPlan): ContractPlan => ({
  ...plan,
  rows: { ...plan.rows, out: 4 * plan.tile.columns },
  columns: { ...plan.columns, out: 4 * plan.rows.size },
});

/** Copies such an out to where `plan` itself has it. */
export function emitFromPanels(
  f: FunctionBuilder,
  plan: ContractPlan,
  { from, to }: { readonly from: Value<'i32'>; readonly to: Local<'i32'> },
): void {
  const { rows, columns, tile } = plan;
  const bytes = 4 * tile.columns;
  const a = f.let('from', from);
  const axes = [
    { size: columns.size / tile.columns, a: rows.size * bytes, b: 0, out: bytes },
    { size: rows.size, a: bytes, b: 0, out: rows.out },
  ];
  overAxes(f, axes, { a, b: a, out: to }, (at) => {
    for (let c = 0; c < bytes; c += 16)
      f.store('v128.store', f.get(at.out), v128.load(f.get(at.a), c), c);
  });
}

/** A product, or the sum. */
interface Member {
  readonly plan: ContractPlan;
  readonly shared: Shared;
  readonly from: Cursor;
  /** The first of its unit: its common operand is what is packed, to where the first plan of all has panels. */
  readonly packs: boolean;
  readonly isSum: boolean;
}

/** Whether a product reads all of its rows with a panel, before the next one. */
export const isNear = ({ rows, blockRows, outerRows }: ContractPlan): boolean =>
  rows.size <= blockRows && outerRows.length === 0;

/** All panels are packed, then read by all: rows of the common operand are read as memory has them. */
function panelsFirst(
  f: FunctionBuilder,
  members: readonly Member[],
  blocks: readonly Block[],
  cursors: readonly Cursor[],
): void {
  const b = pack(f, blocks, (cursors[0] as Cursor).b);
  members.forEach(({ isSum }, k) => {
    const emit = isSum ? emitSums : emitAllRows;
    emit(f, blocks[k] as Block, { ...(cursors[k] as Cursor), b });
  });
}

/** One panel and what reads it, which finds it in the first cache, then the next: from a common operand that is near. */
function panelByPanel(
  f: FunctionBuilder,
  members: readonly Member[],
  blocks: readonly Block[],
  cursors: readonly Cursor[],
  { twins, range }: Pick<Part, 'twins' | 'range'>,
): void {
  const moving = cursors.map((c) => copy(f, c));
  const narrow = blocks.map(ofOnePanel);
  const [first] = narrow as [Block];
  const { plan, count } = blocks[0] as Block;
  const summing = plan.columns.b === 4 ? narrow.find((_, k) => members[k]?.isSum) : undefined;
  // Storing changes what is stored, and another unit may want these, too.
  const made = summing?.sums[1];
  const readers = members.map(({ isSum }, k) => {
    const block = narrow[k] as Block;
    if (isSum && made)
      return ({ out }: Cursor) => {
        block.sums[0]?.forEach((sum, v) => {
          f.set(sum, f.get(made[v] as typeof sum));
        });
        storeSums(f, block, out);
      };
    if (isSum) return (at: Cursor) => emitSums(f, block, at);
    const { a } = cursors[k] as Cursor;
    const { copied } = block;
    const heights = heightsOf(f, block.plan, undefined);
    const placed = copied
      ? copyHeights(f, { ...block, copied }, heights, a)
      : inPlace(block, heights);
    return ({ b, out }: Cursor) => emitPanels(f, placed, { a: copied ?? a, b, out });
  });
  const packFrom = (b: Local<'i32'>): void => {
    if (made) packAndSum(f, first, b, made);
    else pack(f, narrow, b);
  };
  const b = first.panels as Local<'i32'>;
  const skipped = range ? f.get(range.first) : i32.const(0);
  const left = twins > 0 ? f.let('twins', i32.op('sub', i32.const(twins), skipped)) : undefined;
  f.times(count ? f.get(count) : plan.columns.size / plan.tile.columns, () => {
    members.forEach(({ packs }, k) => {
      const at = moving[k] as Cursor;
      if (k === 0) packFrom(at.b);
      else if (packs && left) f.if(i32.op('lt_s', f.get(left), i32.const(1)), () => packFrom(at.b));
      readers[k]?.({ ...at, b });
    });
    if (left) f.advance(left, -1);
    moving.forEach((c, k) => {
      move(f, c, stepOfPanels((members[k] as Member).plan));
    });
  });
}

/** The common operand from `b` on, to where the result says. */
function pack(f: FunctionBuilder, blocks: readonly Block[], b: Local<'i32'>): Local<'i32'> {
  const { plan, steps, count, panels, extras } = blocks[0] as Block;
  const to = panels as Local<'i32'>;
  packMatrix(f, plan, { b, to, depth: plan.depth, steps, count }, extras);
  return to;
}

/** A panel of columns that lie side by side, and their sums over the depth on the way. */
function packAndSum(
  f: FunctionBuilder,
  { plan, steps, panels }: Block,
  b: Local<'i32'>,
  sums: Block['sums'][number],
): void {
  const to = panels as Local<'i32'>;
  const axes = rowsOfBlock(f, plan, { b, to, depth: plan.depth, steps });
  for (const sum of sums) f.set(sum, v128.constF32(0));
  overAxes(f, axes, { a: b, b, out: to }, (at) => {
    const row = sums.map((sum, v) => ({
      sum,
      x: f.let('x', v128.load(f.get(at.b), 16 * v)),
    }));
    // The last one first, as pairs want it (pairing.ts).
    for (const [v, { x }] of [...row.entries()].reverse())
      f.store('v128.store', f.get(at.out), f.get(x), 16 * v);
    for (const { sum, x } of row) f.set(sum, v128.f32x4('add', f.get(sum), f.get(x)));
  });
}

const ofOnePanel = ({ plan, ...block }: Block): Block => ({
  ...block,
  count: undefined,
  plan: { ...plan, columns: { ...plan.columns, size: plan.tile.columns } },
});

/** Of a panel, to the out or added to it. */
const storeSums = (f: FunctionBuilder, block: Block, out: Local<'i32'>): void =>
  emitStore(f, { ...block, edge: undefined }, block.sums.slice(0, 1), out, undefined);

type EmitBlock = Parameters<typeof emitPartialSums>[3];

/** A sum waits for its last addition: so many at once do not. */
const CHAINS = 4;

/** Sums of the columns over the depth of packed panels. */
function emitSums(f: FunctionBuilder, block: Block, from: Cursor): void {
  const { plan, steps, count, at, sums } = block;
  const { tile, depth, columns } = plan;
  const inner = depth.at(-1) as ByteAxis;
  const outer = sizeOfAxes(depth) / inner.size;
  const all = steps ? i32.mul(f.get(steps), outer) : i32.const(outer * inner.size);
  const total = f.let('steps', all);
  const turns = f.let('turns', i32.op('div_u', f.get(total), i32.const(CHAINS)));
  const rest = f.let('rest', i32.op('rem_u', f.get(total), i32.const(CHAINS)));
  const bytes = 4 * tile.columns;
  const [first, ...others] = sums as [(typeof sums)[number], ...typeof sums];
  const addStep = (chain: (typeof sums)[number], k: number): void =>
    chain.forEach((sum, v) => {
      const value = v128.load(f.get(at.b), k * bytes + 16 * v);
      f.set(sum, v128.f32x4('add', f.get(sum), value));
    });
  const { b: panel, out } = copy(f, from);
  f.times(count ? f.get(count) : columns.size / tile.columns, () => {
    for (const sum of sums.flat()) f.set(sum, v128.constF32(0));
    f.set(at.b, f.get(panel));
    f.if(f.get(turns), () =>
      f.times(f.get(turns), () => {
        sums.forEach(addStep);
        f.advance(at.b, CHAINS * bytes);
      }),
    );
    f.if(f.get(rest), () =>
      f.times(f.get(rest), () => {
        addStep(first, 0);
        f.advance(at.b, bytes);
      }),
    );
    for (const chain of others)
      chain.forEach((sum, v) => {
        const total = first[v] as (typeof first)[number];
        f.set(total, v128.f32x4('add', f.get(total), f.get(sum)));
      });
    storeSums(f, block, out);
    f.advance(panel, panelStride(plan));
    f.advance(out, bytes);
  });
}
