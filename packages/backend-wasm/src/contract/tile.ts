/**
 * The block of the out that one pass over the depth computes: its sums stay in registers. Knows what x86-64 engines
 * make of a tile; knows no memory.
 */
import type { Target } from '../target.ts';

export interface Tile {
  /** At most so many rows; see `splitRows`. */
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
 * memory: 6x8 by 'row' 57.5 GFLOP/s, by 'column' 27; 3x16 27; 4x16 35; 6x8 without multiply-add (one more register,
 * for the product) 29. What fits, in GFLOP/s of 59 possible: 2x24 57.9, 6x8 57.5, 2x20 55.5, 4x8, 3x12 and 2x16 54,
 * 12x4 52, 8x4 50; paired, of 117: 6x16 114, 5x16 109, 3x24 109; without multiply-add: 2x20 52, 3x12 51, 4x8 48.5.
 */
export function fits(rows: number, registers: number, target: Target): boolean {
  const operands = Math.min(rows, registers) + 1 + (target.relaxed ? 0 : 1);
  return rows * registers + operands <= 15;
}

/** Cycles that one step of the depth takes: two multiply-adds each, at least the latency of one. */
const cyclesPerStep = (rows: number, registers: number): number =>
  Math.max(4.2, (rows * registers) / 2) + 0.1 * Math.max(0, rows + registers - 8);

/** Cycles around the steps of the depth: clearing, storing, addresses. */
const cyclesPerTile = (rows: number, registers: number): number => 10 + 1.5 * rows * registers;

/** More rows than this gain nothing, and each size of tile is code. */
const maxRows = 8;

export interface TileChoice {
  readonly tile: Tile;
  /** An estimate for the whole matrix. */
  readonly cycles: number;
}

/** The tile with the least estimated work. `exact`: its width divides the columns. */
export function chooseTile(
  size: { readonly rows: number; readonly columns: number; readonly depth: number },
  target: Target,
  exact: boolean,
): TileChoice {
  const unit = unitOf(target);
  let best: TileChoice | undefined;
  for (let rows = 1; rows <= Math.min(maxRows, size.rows); rows++)
    for (let registers = 1; fits(rows, registers, target); registers++) {
      const columns = registers * unit;
      if (exact && size.columns % columns !== 0) continue;
      const panels = Math.ceil(size.columns / columns);
      const cycles = splitRows(size.rows, rows).reduce(
        (sum, s) =>
          sum +
          s.tiles *
            panels *
            (size.depth * cyclesPerStep(s.rows, registers) + cyclesPerTile(s.rows, registers)),
        0,
      );
      if (!best || cycles < best.cycles) best = { tile: { rows, columns }, cycles };
    }
  return best ?? chooseTile(size, target, false);
}

/** Rows in nearly equal tiles: 32 rows are 6 + 6 + 5 + 5 + 5 + 5, because a tile of 2 would take as long as one of 6. */
export function splitRows(size: number, limit: number): { rows: number; tiles: number }[] {
  const tiles = Math.ceil(size / limit);
  const low = Math.floor(size / tiles);
  const taller = size - tiles * low;
  return [
    { rows: low + 1, tiles: taller },
    { rows: low, tiles: tiles - taller },
  ].filter((s) => s.tiles > 0);
}
