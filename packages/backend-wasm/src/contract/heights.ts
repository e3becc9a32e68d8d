/** How rows are cut into tiles: into nearly equal ones, or into the highest and a wide one (wide.ts) for what they leave. */
import type { FunctionBuilder } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import type { ContractPlan } from './plan.ts';
import type { Height } from './product.ts';
import { splitRows, unitOf } from './tile.ts';
import type { Range } from './walk.ts';

/** Of a wide tile: as many sums as the six rows of one panel. */
export const WIDE = { rows: 2, panels: 3 } as const;

/** Whether a wide tile may take what tiles of full height leave. */
function takesWide({
  tile,
  columns,
  rows,
  target,
  blockRows,
  scratchParts,
}: ContractPlan): boolean {
  return (
    target.relaxed &&
    tile.rows === WIDE.rows * WIDE.panels &&
    tile.columns === 2 * unitOf(target) &&
    columns.size % tile.columns === 0 &&
    columns.size >= WIDE.panels * tile.columns &&
    scratchParts.edge === 0 &&
    rows.size <= blockRows
  );
}

/**
 * Tiles of nearly equal height; with a range of any that may arise, for how many rows there are is known when the code
 * runs. Where all are as high as can be but for a wide one, it is the last.
 */
export function heightsOf(
  f: FunctionBuilder,
  plan: ContractPlan,
  range: Range | undefined,
): readonly Height[] {
  const limit = plan.tile.rows;
  const mayBeWide = takesWide(plan);
  const last = { rows: WIDE.rows, wide: true };
  if (!range) {
    const { size } = plan.rows;
    return mayBeWide && size > limit && size % limit === WIDE.rows
      ? [
          { rows: limit, tiles: Math.floor(size / limit) },
          { ...last, tiles: 1 },
        ]
      : splitRows(size, limit);
  }
  const all = f.get(range.count);
  const wide = mayBeWide
    ? f.let(
        'wide',
        i32.op(
          'and',
          i32.op('gt_u', all, i32.const(limit)),
          i32.op('eq', i32.op('rem_u', all, i32.const(limit)), i32.const(WIDE.rows)),
        ),
      )
    : undefined;
  const count = wide ? i32.op('sub', all, i32.mul(f.get(wide), WIDE.rows)) : all;
  const tiles = f.let('tiles', i32.op('div_u', i32.add(count, limit - 1), i32.const(limit)));
  const low = f.let('low', i32.op('div_u', count, f.get(tiles)));
  const taller = f.let('taller', i32.op('sub', count, i32.op('mul', f.get(low), f.get(tiles))));
  const most = Math.min(limit, plan.rows.size);
  const tall = Array.from({ length: most }, (_, k): Height => {
    const rows = most - k;
    const height = (n: number): Value<'i32'> => i32.op('eq', f.get(low), i32.const(n));
    const some = i32.add(
      i32.op('mul', height(rows - 1), f.get(taller)),
      i32.op('mul', height(rows), i32.op('sub', f.get(tiles), f.get(taller))),
    );
    return { rows, tiles: f.get(f.let('some', some)) };
  });
  return wide ? [...tall, { ...last, tiles: f.get(wide) }] : tall;
}

export const countOf = (tiles: Height['tiles']): Value<'i32'> =>
  typeof tiles === 'number' ? i32.const(tiles) : tiles;
