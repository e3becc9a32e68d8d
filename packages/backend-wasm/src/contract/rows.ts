/**
 * Blocks of rows that stay near while panels pass by, and copies of them, where reading a in place would keep evicting the
 * same few lines of the caches. Knows strides; knows no arithmetic.
 */
import { sizeOfAxes } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import { countOf } from './heights.ts';
import { inPieces } from './pieces.ts';
import { type ContractPlan, copiedRowBytes } from './plan.ts';
import {
  type Block,
  emitPanels,
  type Height,
  ifAny,
  inPlace,
  type Placed,
  stepOfRows,
} from './product.ts';
import { type Cursor, copy } from './walk.ts';

type Address = Local<'i32'>;

/** Bytes between the rows, the steps of the depth and the tiles of a copy. */
function copiedStrides(
  plan: ContractPlan,
  rows: number,
): { row: number; depth: number; tile: number } {
  const bytes = copiedRowBytes(plan);
  const tile = rows * bytes;
  return plan.rowSource === 'rows'
    ? { row: bytes, depth: 4, tile }
    : { row: 4, depth: 4 * rows, tile };
}

/** All rows, copied first where the plan says so; so many at a time that their part of a stays near. */
export function emitRowBlocks(
  f: FunctionBuilder,
  block: Block,
  heights: readonly Height[],
  from: Cursor,
): void {
  const { plan, copied } = block;
  const cursor = copy(f, from);
  const emit = (some: readonly Height[]): void => {
    if (copied) emitCopied(f, { ...block, copied }, some, cursor);
    else emitPanels(f, inPlace(block, some), cursor);
  };
  if (plan.rows.size <= plan.blockRows) {
    emit(heights);
    return;
  }
  for (const { rows, tiles } of heights) {
    const step = stepOfRows(plan, rows);
    ifAny(f, tiles, () =>
      inPieces(f, tiles, Math.floor(plan.blockRows / rows), (length) => {
        emit([{ rows, tiles: f.get(length) }]);
        f.advance(cursor.a, i32.mul(f.get(length), step.a));
        f.advance(cursor.out, i32.mul(f.get(length), step.out));
      }),
    );
  }
}

/** Tiles of rows that are copied first. */
function emitCopied(
  f: FunctionBuilder,
  block: Block & { readonly copied: Address },
  heights: readonly Height[],
  { a, b, out }: Cursor,
): void {
  emitPanels(f, copyHeights(f, block, heights, a), { a: block.copied, b, out });
}

/** Copies all rows, one height after another. */
export function copyHeights(
  f: FunctionBuilder,
  block: Block & { readonly copied: Address },
  heights: readonly Height[],
  a: Address,
): readonly Placed[] {
  const { plan, copied, steps } = block;
  const from = f.let('from', f.get(a));
  const to = f.let('to', f.get(copied));
  return heights.map((height): Placed => {
    const { rows, tiles } = height;
    const { row, depth, tile } = copiedStrides(plan, rows);
    const count = countOf(tiles);
    ifAny(f, tiles, () => copyRows(f, plan, { from, to, rows, tiles: count, steps }));
    f.advance(from, i32.mul(count, rows * plan.rows.a));
    f.advance(to, i32.mul(count, tile));
    // Panels have one step after another, as the copy has.
    const last = block.depth.at(-1) as Block['depth'][number];
    const size = sizeOfAxes(block.depth);
    const inCopy = { ...block, row, depth: [{ ...last, size, a: depth }] };
    return { ...height, block: inCopy, tileOfA: tile };
  });
}

interface Rows {
  readonly from: Address;
  readonly to: Address;
  /** Of a tile. */
  readonly rows: number;
  readonly tiles: Value<'i32'>;
  /** Of the depth, where blocks differ. */
  readonly steps: Address | undefined;
}

function copyRows(f: FunctionBuilder, plan: ContractPlan, rows: Rows): void {
  if (plan.rowSource === 'rows') copyEach(f, plan, rows);
  else copyTiles(f, plan, rows);
}

/** Row after row; each lies in one run. */
function copyEach(f: FunctionBuilder, plan: ContractPlan, { from, to, rows, tiles, steps }: Rows) {
  const bytes = steps ? i32.op('shl', f.get(steps), i32.const(2)) : i32.const(4 * plan.depthStep);
  const source = f.let('source', f.get(from));
  const target = f.let('target', f.get(to));
  f.times(i32.mul(tiles, rows), () => {
    f.do('memory.copy', [f.get(target), f.get(source), bytes]);
    f.advance(source, plan.rows.a);
    f.advance(target, copiedStrides(plan, rows).row);
  });
}

/** Tile after tile, each one step after another; the rows of a step lie side by side in a too. */
function copyTiles(f: FunctionBuilder, plan: ContractPlan, { from, to, rows, tiles, steps }: Rows) {
  const { depth } = plan;
  const strides = copiedStrides(plan, rows);
  const tileFrom = f.let('source', f.get(from));
  const tileTo = f.let('target', f.get(to));
  f.times(tiles, () => {
    const source = f.let('source', f.get(tileFrom));
    const target = f.let('target', f.get(tileTo));
    const four = (at: number): void =>
      f.store('v128.store', f.get(target), v128.load(f.get(source), at), at);
    const step = (): void => {
      if (rows >= 4) {
        // The last four overlap the first: the same values twice.
        for (let r = 0; r + 4 <= rows; r += 4) four(4 * r);
        if (rows % 4 > 0) four(4 * (rows - 4));
      } else
        for (let r = 0; r < rows; r++)
          f.store('f32.store', f.get(target), f32.load(f.get(source), 4 * r), 4 * r);
      f.advance(target, strides.depth);
    };
    const nest = (k: number): void => {
      const axis = depth[k] as ContractPlan['depth'][number];
      const next = depth[k + 1];
      const size = next ? axis.size : steps ? f.get(steps) : plan.depthStep;
      f.times(size, () => {
        if (next) nest(k + 1);
        else step();
        f.advance(source, axis.a - (next ? next.size * next.a : 0));
      });
    };
    nest(0);
    f.advance(tileFrom, 4 * rows);
    f.advance(tileTo, strides.tile);
  });
}
