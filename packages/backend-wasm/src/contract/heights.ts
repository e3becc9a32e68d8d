/** How rows are cut into tiles: into nearly equal ones, or into the highest and another one for what they leave. */
import type { FunctionBuilder } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import type { ContractPlan } from './plan.ts';
import type { Height } from './product.ts';
import { splitRows, unitOf } from './tile.ts';
import type { Range } from './walk.ts';

/** Of a wide tile: as many sums as the six rows of one panel. */
export const WIDE = { rows: 2, panels: 3 } as const;

/** Rows of a low tile: those of six and one of four take 1 % less than two of five among them, at 16 rows. */
const LOW = 4;

/** Whether tiles have the twelve sums that keep two multiply-adds per cycle going (wide.ts): then those of five have fewer. */
const hasTwelveSums = ({ tile, target }: ContractPlan): boolean =>
  target.relaxed && tile.rows === WIDE.rows * WIDE.panels && tile.columns === 2 * unitOf(target);

/** Whether a wide tile may take what tiles of full height leave. */
const takesWide = (plan: ContractPlan): boolean =>
  hasTwelveSums(plan) &&
  plan.columns.size % plan.tile.columns === 0 &&
  plan.columns.size >= WIDE.panels * plan.tile.columns &&
  plan.scratchParts.edge === 0 &&
  plan.rows.size <= plan.blockRows;

type Known = Height & { readonly tiles: number };

/** Tiles of full height with a wide or a low one for the rest, where there is one for it; else of nearly equal heights. */
function cut(plan: ContractPlan, rows: number): readonly Known[] {
  const limit = plan.tile.rows;
  const [full, rest] = [Math.floor(rows / limit), rows % limit];
  const last = lastOf(plan, rest);
  return full > 0 && last ? [{ rows: limit, tiles: full }, last] : splitRows(rows, limit);
}

function lastOf(plan: ContractPlan, rest: number): Known | undefined {
  if (rest === WIDE.rows && takesWide(plan)) return { rows: rest, tiles: 1, wide: true };
  return rest === LOW && hasTwelveSums(plan) ? { rows: rest, tiles: 1 } : undefined;
}

/** Of all rows; with a range, of each number of rows that it may have: which one it is, is known when the code runs. */
export function heightsOf(
  f: FunctionBuilder,
  plan: ContractPlan,
  range: Range | undefined,
): readonly Height[] {
  const { size } = plan.rows;
  if (!range) return cut(plan, size);
  const { count, shares = Array.from({ length: size + 1 }, (_, k) => k) } = range;
  const cuts = shares.filter((n) => n > 0).map((n) => ({ n, heights: cut(plan, n) }));
  const [only, ...others] = cuts;
  if (only && others.length === 0) return only.heights;
  const kinds: Height[] = [];
  for (const h of cuts.flatMap(({ heights }) => heights))
    if (!kinds.some((kind) => alike(kind, h))) kinds.push(h);
  return kinds.sort(wideLast).map((kind): Height => {
    const tiles = cuts.flatMap(({ n, heights }) =>
      heights
        .filter((h) => alike(h, kind))
        .map((h) => i32.mul(i32.op('eq', f.get(count), i32.const(n)), h.tiles)),
    );
    const sum = tiles.reduce((a, b) => i32.add(a, b));
    return { ...kind, tiles: f.get(f.let('tiles', sum)) };
  });
}

const alike = (a: Height, b: Height): boolean => a.rows === b.rows && a.wide === b.wide;

const wideLast = (a: Height, b: Height): number =>
  Number(a.wide ?? false) - Number(b.wide ?? false) || b.rows - a.rows;

export const countOf = (tiles: Height['tiles']): Value<'i32'> =>
  typeof tiles === 'number' ? i32.const(tiles) : tiles;
