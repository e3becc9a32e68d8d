/**
 * Tiles of two rows and three panels, for rows that taller tiles leave over. A processor that starts two multiply-adds per
 * cycle wants twelve sums to wait for: of 118 GFLOP/s, 6x16 and 2x48 have 117, 5x16 112 and 2x16 59, so 32 rows of five
 * tiles and a wide one take 2.5 % less than those of six nearly equal ones. Even from the second cache its panels come in
 * time: 110. Knows tiles; leaves the arithmetic to kernel.ts.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import { countOf, WIDE } from './heights.ts';
import { emitTile, type Kernel } from './kernel.ts';
import { inPieces, skip } from './pieces.ts';
import { panelStride } from './plan.ts';
import { emitPanels, type Height, ifAny, type Placed, panelStep } from './product.ts';
import { type Cursor, copy } from './walk.ts';

/** The kernel of a wide tile: the same registers, two rows of three times the columns. */
export function widened(kernel: Kernel): Kernel {
  const { sums, rowOfB, plan } = kernel;
  const all = sums.flat();
  const panels = Array.from({ length: WIDE.panels }, (_, k) => k);
  return {
    ...kernel,
    sums: [all.slice(0, all.length / 2), all.slice(all.length / 2)],
    rowOfB: panels.flatMap(() => rowOfB),
    bytesOfB: panels.flatMap((k) => rowOfB.map((_, v) => k * panelStride(plan) + 16 * v)),
  };
}

/** What runs with some panels, from where the ones before have ended. */
export interface Turns {
  /** All taller tiles with so many panels. */
  tall(panels: Local<'i32'>): void;
  /** The rows that are left, with three of these panels at once, or with each by itself. */
  wide(): void;
  narrow(panels: Local<'i32'>): void;
  /** On to the next panels. */
  next(panels: Local<'i32'>): void;
}

/** Panels three by three; what is left of them one by one. `tiles`: 1 if there are rows for a wide one. */
export function inThrees(
  f: FunctionBuilder,
  panels: number | Value<'i32'>,
  tiles: Height['tiles'],
  { tall, wide, narrow, next }: Turns,
): void {
  const even = typeof panels === 'number' && panels % WIDE.panels === 0;
  inPieces(f, panels, WIDE.panels, (length) => {
    tall(length);
    ifAny(f, tiles, () => {
      if (even) wide();
      else f.if(i32.op('eq', f.get(length), i32.const(WIDE.panels)), wide, () => narrow(length));
    });
    next(length);
  });
}

/** All tiles of a product, the last height of which is a wide one. Moves the cursor. */
export function emitInThrees(
  f: FunctionBuilder,
  heights: readonly Placed[],
  cursor: Cursor,
  panels: number | Value<'i32'>,
): void {
  const tall = heights.slice(0, -1);
  const last = heights.at(-1) as Placed;
  const { block, rows, tiles } = last;
  const { plan } = block;
  const some = (height: Placed, count: Local<'i32'>): Placed => ({
    ...height,
    wide: false,
    block: { ...height.block, count },
  });
  const rest = (): Cursor => {
    const at = copy(f, cursor);
    for (const { rows, tiles, tileOfA } of tall)
      skip(f, at, { a: tileOfA, b: 0, out: rows * plan.rows.out }, countOf(tiles));
    return at;
  };
  inThrees(f, panels, tiles, {
    tall(panels) {
      emitPanels(
        f,
        tall.map((h) => some(h, panels)),
        cursor,
      );
    },
    wide: () => emitTile(f, widened(block), rows, rest(), undefined),
    narrow: (panels) => emitPanels(f, [some(last, panels)], rest()),
    next: (panels) => skip(f, cursor, panelStep(plan), f.get(panels)),
  });
}
