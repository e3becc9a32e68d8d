/**
 * Packing: panels of as many columns as a tile has, one step of the depth after another, zeros where the columns end.
 * Tiles then read b in one run. Knows strides; knows no arithmetic.
 */
import { sizeOfAxes } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import { type Extras, need } from '../need.ts';
import { type ContractPlan, panelStride } from './plan.ts';
import { overAxes, type Steps } from './walk.ts';

type Address = Local<'i32'>;

/** Packs all of the operand that the plan has packed as a whole. Its buffer begins at `buffer`. */
export function emitPack(
  f: FunctionBuilder,
  plan: ContractPlan,
  buffer: Value<'i32'>,
  { to, extras }: { readonly to: Value<'i32'>; readonly extras: Extras | undefined },
): void {
  const from = f.let('from', i32.add(buffer, plan.b.bytes));
  const panels = f.let('panels', to);
  const axes = [...plan.batch, ...plan.outerColumns]
    .filter((axis) => axis.b !== 0)
    .map(({ size, b, panels: out }) => ({ size, a: 0, b, out }));
  const depth = [...plan.blocks, ...plan.depth];
  overAxes(f, axes, { a: from, b: from, out: panels }, ({ b, out }) =>
    packMatrix(f, plan, { b, to: out, depth, steps: undefined }, extras),
  );
}

/** Some or all steps of b, to panels. */
export interface Block {
  readonly b: Address;
  readonly to: Address;
  readonly depth: ContractPlan['depth'];
  /** Of the depth's last axis, where blocks differ. */
  readonly steps: Address | undefined;
  /** Of panels, all of them whole; where only some are packed. */
  readonly count?: Address | undefined;
}

export function packMatrix(
  f: FunctionBuilder,
  plan: ContractPlan,
  block: Block,
  extras: Extras | undefined,
): void {
  const { columns, tile } = plan;
  if (columns.b !== 4) {
    need(extras).packColumns(f, plan, block);
    return;
  }
  const { count } = block;
  const panels = Math.floor(columns.size / tile.columns);
  const tail = columns.size % tile.columns;
  const from = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  // Columns side by side: a whole row for all panels, rows as memory has them, so that it is read in one run.
  const copy = (width: number): void => copyStep(f, { from, to, width, panel: tile.columns });
  overAxes(f, rowsOfBlock(f, plan, block), { a: from, b: block.b, out: block.to }, (row) => {
    f.set(from, f.get(row.b));
    f.set(to, f.get(row.out));
    f.times(count ? f.get(count) : panels, () => {
      copy(tile.columns);
      f.advance(from, 4 * tile.columns);
      f.advance(to, panelStride(plan));
    });
    if (tail > 0) copy(tail);
  });
}

/** The depth's axes in b and in a panel, those with the longest strides in b first. */
export function rowsOfBlock(
  f: FunctionBuilder,
  { tile }: ContractPlan,
  { depth, steps }: Block,
): Steps[] {
  const range = steps && { first: f.let('first', i32.const(0)), count: steps };
  const axes = depth.map(({ size, b }, k): Steps => {
    const inner = sizeOfAxes(depth.slice(k + 1));
    const last = k === depth.length - 1;
    return { size, a: 0, b, out: 4 * tile.columns * inner, ...(last && range && { range }) };
  });
  return axes.sort((p, q) => Math.abs(q.b) - Math.abs(p.b));
}

/** Where a step of the depth is, and where it goes. */
export interface Step {
  readonly from: Address;
  readonly to: Address;
  readonly width: number;
  readonly panel: number;
}

/** Columns side by side. All are loaded first and the last one is stored first, as pairs want it (pairing.ts). */
function copyStep(f: FunctionBuilder, { from, to, width, panel }: Step): void {
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
