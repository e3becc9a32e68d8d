/** Packing of columns that do not lie side by side. Knows strides; knows no arithmetic. */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import type { Block, Step } from './panels.ts';
import { type ContractPlan, panelStride } from './plan.ts';
import { lowest } from './walk.ts';

type Address = Local<'i32'>;
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

/** Packs one panel after another. */
export function packColumns(f: FunctionBuilder, plan: ContractPlan, block: Block): void {
  const { columns, tile } = plan;
  const b = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  const panel = (width: number): void => packPanel(f, plan, { ...block, b, to }, width);
  const { count } = block;
  f.times(count ? f.get(count) : Math.floor(columns.size / tile.columns), () => {
    panel(tile.columns);
    f.advance(b, tile.columns * columns.b);
    f.advance(to, panelStride(plan));
  });
  const tail = columns.size % tile.columns;
  if (tail > 0) panel(tail);
}

/** `width` columns of b, and zeros up to the panel's width. */
function packPanel(f: FunctionBuilder, plan: ContractPlan, block: Block, width: number): void {
  const { columns, tile } = plan;
  const { steps } = block;
  const from = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  const step = { from, to, width, panel: tile.columns, across: columns.b };
  const one = (inner: Axis): void => {
    gatherStep(f, step);
    f.advance(from, inner.b);
    f.advance(to, 4 * tile.columns);
  };
  const four = (): void => {
    transposeFour(f, step);
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

interface Apart extends Step {
  /** Bytes from one column of b to the next. */
  readonly across: number;
}

/** Columns anywhere. */
function gatherStep(f: FunctionBuilder, { from, to, width, panel, across }: Apart): void {
  const low = lowest((width - 1) * across);
  for (let c = 0; c < panel; c++) {
    const x = c < width ? f32.load(i32.add(f.get(from), low), c * across - low) : f32.const(0);
    f.store('f32.store', f.get(to), x, 4 * c);
  }
}

/** Four steps that lie side by side in each column. */
function transposeFour(f: FunctionBuilder, { from, to, width, panel, across }: Apart): void {
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
