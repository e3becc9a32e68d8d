/**
 * How the axes of a loop are cut into blocks. Knows sizes and strides; knows no buffer and no expression.
 */
import type { Axis } from '@ostinato/core/backend';

/** What is done at once: `columns` of one axis times `rows` of another; all other axes, and the rest of these, loop. */
export interface Block {
  readonly row: Axis;
  readonly column: Axis;
  readonly rows: number;
  readonly columns: number;
  readonly others: readonly Axis[];
}

/** Rows shorter than this cost more in calls than strided access costs in cache lines. */
const shortRow = 16;

/**
 * Columns run along the axis where most windows are dense; `reads` says which windows count. A block has at most
 * `limit` points.
 */
export function chooseBlock(
  axes: readonly Axis[],
  reads: readonly boolean[],
  limit: number,
): Block {
  const none: Axis = { size: 1, over: false, strides: reads.map(() => 0) };
  const dense = (a: Axis): number =>
    a.strides.filter((stride, k) => reads[k] && Math.abs(stride) === 1).length;
  const better = (a: Axis, b: Axis): number =>
    Number(b.size >= shortRow) - Number(a.size >= shortRow) ||
    dense(b) - dense(a) ||
    b.size - a.size;
  const column = [...axes].sort(better)[0] ?? none;
  const left = axes.filter((a) => a !== column);
  // The last axis is the nearest in memory, unless it is too short to fill a block.
  const row =
    left.findLast((a) => a.size * column.size >= 256) ??
    [...left].sort((a, b) => b.size - a.size)[0] ??
    none;
  const columns = evenly(column.size, limit);
  const rows =
    columns < column.size ? 1 : evenly(row.size, Math.max(1, Math.floor(limit / columns)));
  return { row, column, rows, columns, others: left.filter((a) => a !== row) };
}

/** The largest piece when `size` is cut into as few equal pieces of at most `limit` as possible. */
const evenly = (size: number, limit: number): number =>
  size <= limit ? size : Math.ceil(size / Math.ceil(size / limit));
