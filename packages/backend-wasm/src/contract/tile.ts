/**
 * The block of the out that one pass over the depth computes: its sums stay in registers. Knows what x86-64 engines
 * make of a tile; knows no memory.
 */
import type { Target } from '../target.ts';

export interface Tile {
  /** At most so many rows; see heights.ts. */
  readonly rows: number;
  /** Width of a panel of columns; a multiple of the target's unit. */
  readonly columns: number;
}

/** Columns that one machine register holds. */
export const unitOf = (target: Target): number => (target.paired ? 8 : 4);

/**
 * Loads a row of b, then one element of a at a time ('row'), or one element of each row of a, then b register by
 * register ('column'): whichever keeps fewer operands alive.
 */
export const orderOf = (rows: number, registers: number): 'row' | 'column' =>
  rows < registers ? 'column' : 'row';

/**
 * V8 keeps one of sixteen registers for itself. One value more than the other fifteen hold, and the sums go through
 * memory: 6x8 by 'row' 57.5 GFLOP/s, by 'column' 27; 3x16 27; 4x16 35. What fits, in GFLOP/s of 59 possible: 2x24 and
 * 6x8 57.9, 5x8 56, 2x20 and 4x8 55, 3x12 and 2x16 54, 12x4 52, 8x4 50; paired, of 118: 5x16 112, 6x16 and 4x16 110,
 * 3x24 108. Without multiply-add, products take a register, and the compiler wants one to spare: with 14 taken, 5x8 is
 * at 51.6 in a function of one tile and at 46 in one of two, 3x12 at 54 and 48; 4x8 is at 50 in both.
 */
export function fits(rows: number, registers: number, target: Target): boolean {
  const taken = rows * registers + Math.min(rows, registers) + 1;
  return taken <= (target.relaxed ? 15 : 12);
}

/**
 * Cycles that one step of the depth takes: two multiply-adds each, and two loads (1x32 48.6 GFLOP/s, 1x48 50.6, 12x4
 * 52, 8x4 50); few sums wait for each other (2x8 35). Without multiply-add, the number of instructions counts: 3x12
 * 53.9, 5x8 51.6, 2x20 51.4, 4x8 50.1, 1x32 42.
 */
function cyclesPerStep(rows: number, registers: number, target: Target): number {
  const sums = rows * registers;
  const loads = rows + registers;
  const instructions = target.relaxed ? 0 : 0.213 * (2 * sums + loads);
  return Math.max(3.5, sums / 2, 0.525 * loads, instructions);
}

/** The first tile of a panel has it from the second cache, so many floats in a cycle: what a single row takes. */
const floatsPerCycle = 8;

/**
 * Bytes of a panel that stays in the first cache, beside the rows. Every tile has a larger one from the second, and there
 * the rows come between: (64, 256) x (256, 192) at 2x48, which needs 8 floats in each cycle, 84 GFLOP/s, at 6x16 108.
 */
export const nearPanel = 24 << 10;
const beyondFirst = 1.3;

/** Cycles around the steps of the depth: clearing, storing, addresses. */
const cyclesPerTile = (rows: number, registers: number): number => 5 + rows * registers;

/** More rows than this gain nothing, and each size of tile is code. */
const maxRows = 8;

export interface TileChoice {
  readonly tile: Tile;
  /** An estimate for the whole matrix. */
  readonly cycles: number;
}

/** The tile with the least estimated work. `exact`: its width divides the columns; a number: it is that. */
export function chooseTile(
  size: { readonly rows: number; readonly columns: number; readonly depth: number },
  target: Target,
  exact: boolean | number,
): TileChoice {
  const unit = unitOf(target);
  let best: TileChoice | undefined;
  for (let rows = 1; rows <= Math.min(maxRows, size.rows); rows++) {
    const split = splitRows(size.rows, rows);
    for (let registers = 1; fits(rows, registers, target); registers++) {
      const columns = registers * unit;
      if (exact === true ? size.columns % columns !== 0 : exact && columns !== exact) continue;
      let loading = columns / floatsPerCycle;
      const others = 4 * columns * size.depth > nearPanel ? beyondFirst * loading : 0;
      let cycles = 0;
      for (const s of split) {
        const step = cyclesPerStep(s.rows, registers, target);
        const steps = Math.max(loading, step) + (s.tiles - 1) * Math.max(others, step);
        cycles += size.depth * steps + s.tiles * cyclesPerTile(s.rows, registers);
        loading = others;
      }
      cycles *= Math.ceil(size.columns / columns);
      // Of two alike, the one with more rows: 4x8 50 and 2x16 46 without multiply-add.
      if (!best || cycles <= best.cycles) best = { tile: { rows, columns }, cycles };
    }
  }
  return best ?? chooseTile(size, target, false);
}

/** Rows in nearly equal tiles: 33 rows are 6 + 6 + 6 + 5 + 5 + 5, because a tile of 3 would take longer than half of 6. */
export function splitRows(size: number, limit: number): { rows: number; tiles: number }[] {
  const tiles = Math.ceil(size / limit);
  const low = Math.floor(size / tiles);
  const taller = size - tiles * low;
  const lower = { rows: low, tiles: tiles - taller };
  return taller ? [{ rows: low + 1, tiles: taller }, lower] : [lower];
}
