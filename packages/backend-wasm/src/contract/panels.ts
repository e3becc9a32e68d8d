/**
 * Packing: panels of as many columns as a tile has, one step of the depth after another, zeros where the columns end.
 * Tiles then read b in one run. Knows strides; knows no arithmetic.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import { type ContractPlan, panelStride } from './plan.ts';
import { lowest, overAxes, type Steps } from './walk.ts';

type Address = Local<'i32'>;

/** Packs all of one operand of the instruction, if the plan has it packed as a whole. */
export function emitPack(
  f: FunctionBuilder,
  plan: ContractPlan,
  side: 'a' | 'b',
  buffers: readonly Address[],
  to: Value<'i32'>,
): void {
  if ((side === 'a' ? plan.packA : plan.packB) === 0) return;
  const from = f.let('from', i32.add(f.get(buffers[plan.b.buffer] as Address), plan.b.bytes));
  const panels = f.let('panels', to);
  const axes = [...plan.batch, ...plan.outerColumns]
    .filter((axis) => axis.b !== 0)
    .map(({ size, b, panels: out }) => ({ size, a: 0, b, out }));
  const depth = [...plan.blocks, ...plan.depth];
  overAxes(f, axes, { a: from, b: from, out: panels }, ({ b, out }) =>
    packMatrix(f, plan, { b, to: out, depth, steps: undefined }),
  );
}

/** Packs one block of the depth. `steps`: of the depth's last axis, where blocks differ. */
export function packBlock(
  f: FunctionBuilder,
  plan: ContractPlan,
  b: Address,
  to: Address,
  steps: Address | undefined,
): void {
  packMatrix(f, plan, { b, to, depth: plan.depth, steps });
}

interface Block {
  readonly b: Address;
  readonly to: Address;
  readonly depth: ContractPlan['depth'];
  readonly steps: Address | undefined;
}

function packMatrix(f: FunctionBuilder, plan: ContractPlan, block: Block): void {
  const { columns, tile } = plan;
  const panels = Math.floor(columns.size / tile.columns);
  const tail = columns.size % tile.columns;
  const from = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  const next = (): void => {
    f.advance(from, tile.columns * columns.b);
    f.advance(to, panelStride(plan));
  };
  if (columns.b !== 4) {
    const panel = (width: number): void => packPanel(f, plan, { ...block, b: from, to }, width);
    f.times(panels, () => {
      panel(tile.columns);
      next();
    });
    if (tail > 0) panel(tail);
    return;
  }
  // Columns side by side: a whole row for all panels, rows as memory has them, so that it is read in one run.
  const copy = (width: number): void =>
    copyStep({ f, from, to, width, panel: tile.columns, across: columns.b });
  overAxes(f, rowsOfBlock(f, plan, block), { a: from, b: block.b, out: block.to }, (row) => {
    f.set(from, f.get(row.b));
    f.set(to, f.get(row.out));
    f.times(panels, () => {
      copy(tile.columns);
      next();
    });
    if (tail > 0) copy(tail);
  });
}

/** The depth's axes in b and in a panel, those with the longest strides in b first. */
function rowsOfBlock(f: FunctionBuilder, { tile }: ContractPlan, { depth, steps }: Block): Steps[] {
  const range = steps && { first: f.let('none', i32.const(0)), count: steps };
  const axes = depth.map(({ size, b }, k): Steps => {
    const inner = depth.slice(k + 1).reduce((n, { size }) => n * size, 1);
    const last = k === depth.length - 1;
    return { size, a: 0, b, out: 4 * tile.columns * inner, ...(last && range && { range }) };
  });
  return axes.sort((p, q) => Math.abs(q.b) - Math.abs(p.b));
}

type Axis = ContractPlan['depth'][number];

/** Loops over all axes of the depth but the last, along which `walk` moves `from`. */
function inDepth(
  f: FunctionBuilder,
  depth: readonly Axis[],
  from: Address,
  walk: (inner: Axis) => void,
): void {
  const [axis, ...rest] = depth as [Axis, ...Axis[]];
  const [next] = rest;
  if (!next) {
    walk(axis);
    return;
  }
  f.times(axis.size, () => {
    inDepth(f, rest, from, walk);
    f.advance(from, axis.b - next.size * next.b);
  });
}

/** `width` columns of b that do not lie side by side, and zeros up to the panel's width. */
function packPanel(f: FunctionBuilder, plan: ContractPlan, block: Block, width: number): void {
  const { columns, tile } = plan;
  const { steps } = block;
  const from = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  const step: Step = { f, from, to, width, panel: tile.columns, across: columns.b };
  const one = (inner: Axis): void => {
    gatherStep(step);
    f.advance(from, inner.b);
    f.advance(to, 4 * tile.columns);
  };
  const four = (): void => {
    transposeFour(step);
    f.advance(from, 16);
    f.advance(to, 16 * tile.columns);
  };
  const last = block.depth.at(-1) as Axis;
  if (last.b !== 4 || last.size < 4 || width < 4) {
    inDepth(f, block.depth, from, (inner) =>
      f.times(steps ? f.get(steps) : inner.size, () => one(inner)),
    );
    return;
  }
  inDepth(f, block.depth, from, (inner) => {
    if (!steps) {
      f.times(inner.size >> 2, four);
      f.times(inner.size & 3, () => one(inner));
      return;
    }
    const quads = i32.op('shr_u', f.get(steps), i32.const(2));
    f.if(quads, () => f.times(quads, four));
    const rest = i32.op('and', f.get(steps), i32.const(3));
    if (inner.size & 3) f.if(rest, () => f.times(rest, () => one(inner)));
  });
}

interface Step {
  readonly f: FunctionBuilder;
  readonly from: Address;
  readonly to: Address;
  readonly width: number;
  readonly panel: number;
  /** Bytes from one column of b to the next. */
  readonly across: number;
}

/** Columns side by side. All are loaded first and the last one is stored first, as pairs want it (pairing.ts). */
function copyStep({ f, from, to, width, panel }: Step): void {
  const vectors = Array.from({ length: width >> 2 }, (_, v) =>
    f.let('x', v128.load(f.get(from), 16 * v)),
  );
  for (let v = vectors.length - 1; v >= 0; v--)
    f.store('v128.store', f.get(to), f.get(vectors[v] as Local<'v128'>), 16 * v);
  for (let k = 4 * vectors.length; k < panel; k++) {
    const x = k < width ? f32.load(f.get(from), 4 * k) : f32.const(0);
    f.store('f32.store', f.get(to), x, 4 * k);
  }
}

/** Columns anywhere. */
function gatherStep({ f, from, to, width, panel, across }: Step): void {
  const low = lowest((width - 1) * across);
  for (let c = 0; c < panel; c++) {
    const x = c < width ? f32.load(i32.add(f.get(from), low), c * across - low) : f32.const(0);
    f.store('f32.store', f.get(to), x, 4 * c);
  }
}

/** Four steps that lie side by side in each column. */
function transposeFour({ f, from, to, width, panel, across }: Step): void {
  const low = lowest((width - 1) * across);
  const column = (c: number): Value<'v128'> =>
    c < width ? v128.load(i32.add(f.get(from), low), c * across - low) : v128.constF32(0);
  for (let c = 0; c < panel; c += 4) {
    const [x0, x1, x2, x3] = [0, 1, 2, 3].map((i) => f.get(f.let('x', column(c + i)))) as Four;
    const t0 = f.get(f.let('t', v128.shuffle(x0, x1, [0, 4, 1, 5])));
    const t1 = f.get(f.let('t', v128.shuffle(x0, x1, [2, 6, 3, 7])));
    const t2 = f.get(f.let('t', v128.shuffle(x2, x3, [0, 4, 1, 5])));
    const t3 = f.get(f.let('t', v128.shuffle(x2, x3, [2, 6, 3, 7])));
    const rows = [
      v128.shuffle(t0, t2, [0, 1, 4, 5]),
      v128.shuffle(t0, t2, [2, 3, 6, 7]),
      v128.shuffle(t1, t3, [0, 1, 4, 5]),
      v128.shuffle(t1, t3, [2, 3, 6, 7]),
    ];
    rows.forEach((row, k) => {
      f.store('v128.store', f.get(to), row, 4 * (k * panel + c));
    });
  }
}

type Four = [Value<'v128'>, Value<'v128'>, Value<'v128'>, Value<'v128'>];
