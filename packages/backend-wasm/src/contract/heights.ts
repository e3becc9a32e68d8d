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

/** Tiles of full height with a wide or a low one for the rest, where there is one for it; else of nearly equal heights. */
function heightsOfAll(plan: ContractPlan): readonly Height[] {
  const limit = plan.tile.rows;
  const { size } = plan.rows;
  const [full, rest] = [Math.floor(size / limit), size % limit];
  const last = lastOf(plan, rest);
  return full > 0 && last ? [{ rows: limit, tiles: full }, last] : splitRows(size, limit);
}

function lastOf(plan: ContractPlan, rest: number): Height | undefined {
  if (rest === WIDE.rows && takesWide(plan)) return { rows: rest, tiles: 1, wide: true };
  return rest === LOW && hasTwelveSums(plan) ? { rows: rest, tiles: 1 } : undefined;
}

/** The same; with a range of any height that may arise, for how many rows it has is known when the code runs. */
export function heightsOf(
  f: FunctionBuilder,
  plan: ContractPlan,
  range: Range | undefined,
): readonly Height[] {
  if (!range) return heightsOfAll(plan);
  const limit = plan.tile.rows;
  const count = f.get(range.count);
  const rest = i32.op('rem_u', count, i32.const(limit));
  /** 1 if so many are left by full tiles, else 0. */
  const leaves = (rows: number): Value<'i32'> => {
    const some = i32.op('gt_u', count, i32.const(limit));
    const one = i32.op('and', some, i32.op('eq', rest, i32.const(rows)));
    return f.get(f.let('rest', one));
  };
  const wide = takesWide(plan) ? leaves(WIDE.rows) : undefined;
  const low = hasTwelveSums(plan) ? leaves(LOW) : undefined;
  const apart = i32.add(i32.mul(wide ?? NONE, WIDE.rows), i32.mul(low ?? NONE, LOW));
  const others = f.get(f.let('rows', i32.op('sub', count, apart)));
  const tall = nearlyEqual(f, plan, others).map(({ rows, tiles }): Height => {
    const all = rows === LOW && low ? i32.add(tiles, low) : tiles;
    return { rows, tiles: f.get(f.let('tiles', all)) };
  });
  return wide ? [...tall, { rows: WIDE.rows, tiles: wide, wide: true }] : tall;
}

const NONE = i32.const(0);

/** How many tiles of each height that may arise. */
function nearlyEqual(
  f: FunctionBuilder,
  { tile, rows: { size } }: ContractPlan,
  count: Value<'i32'>,
): readonly { readonly rows: number; readonly tiles: Value<'i32'> }[] {
  const limit = tile.rows;
  const tiles = f.let('tiles', i32.op('div_u', i32.add(count, limit - 1), i32.const(limit)));
  const low = f.let('low', i32.op('div_u', count, f.get(tiles)));
  const taller = f.let('taller', i32.op('sub', count, i32.op('mul', f.get(low), f.get(tiles))));
  const most = Math.min(limit, size);
  return Array.from({ length: most }, (_, k) => {
    const rows = most - k;
    const height = (n: number): Value<'i32'> => i32.op('eq', f.get(low), i32.const(n));
    return {
      rows,
      tiles: i32.add(
        i32.op('mul', height(rows - 1), f.get(taller)),
        i32.op('mul', height(rows), i32.op('sub', f.get(tiles), f.get(taller))),
      ),
    };
  });
}

export const countOf = (tiles: Height['tiles']): Value<'i32'> =>
  typeof tiles === 'number' ? i32.const(tiles) : tiles;
