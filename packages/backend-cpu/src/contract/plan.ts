/**
 * A product's axes as those of a matrix product: batch, rows (only in a), columns (only in b) and depth (summed).
 * Knows strides; knows no arithmetic.
 */
import type { Contract } from '@ostinato/core/backend';
import { type Axis, collapse } from '@ostinato/core/backend';

/** Offsets of each index of a group of axes, in elements, for the operands that have the group. */
export interface Side {
  readonly size: number;
  /** In a, b and the out; all 0 where an operand lacks the group. */
  readonly offsets: readonly [a: Int32Array, b: Int32Array, out: Int32Array];
  /** The strides, where the group is one axis. */
  readonly strides: readonly [a: number, b: number, out: number] | null;
}

export interface MatrixProduct {
  readonly batch: Side;
  readonly rows: Side;
  readonly columns: Side;
  readonly depth: Side;
  /** True where a and b changed places. */
  readonly swapped: boolean;
}

/** The side with fewer indices becomes the rows. */
export function matrixProduct(contract: Contract): MatrixProduct {
  const { shape, over, args, outs } = contract;
  const axes = [...shape, ...over].map(
    (size, k): Axis => ({
      size,
      over: k >= shape.length,
      strides: [
        args[0].strides[k] as number,
        args[1].strides[k] as number,
        outs[0].strides[k] ?? 0,
      ],
    }),
  );
  const kept = axes.filter((a) => a.size !== 1);
  const group = (test: (a: Axis) => boolean): Side => sideOf(kept.filter(test));
  const has = (a: Axis, k: number): boolean => a.strides[k] !== 0;
  const batch = group((a) => !a.over && has(a, 0) === has(a, 1));
  const rows = group((a) => !a.over && has(a, 0) && !has(a, 1));
  const columns = group((a) => !a.over && !has(a, 0) && has(a, 1));
  const depth = group((a) => a.over);
  if (rows.size <= columns.size) return { batch, rows, columns, depth, swapped: false };
  return {
    batch: exchange(batch),
    rows: exchange(columns),
    columns: exchange(rows),
    depth: exchange(depth),
    swapped: true,
  };
}

function sideOf(given: readonly Axis[]): Side {
  const axes = collapse(given);
  const size = axes.reduce((n, a) => n * a.size, 1);
  const offsets = [0, 1, 2].map((k) => offsetsOf(axes, k, size));
  const only = axes[0]?.strides ?? [0, 0, 0];
  return {
    size,
    offsets: offsets as unknown as Side['offsets'],
    strides: axes.length > 1 ? null : (only as unknown as [number, number, number]),
  };
}

function offsetsOf(axes: readonly Axis[], k: number, size: number): Int32Array {
  const out = new Int32Array(size);
  let filled = 1;
  // The last axis moves fastest.
  for (const { size: n, strides } of [...axes].reverse()) {
    const stride = strides[k] as number;
    for (let i = 1; i < n; i++)
      for (let j = 0; j < filled; j++) out[i * filled + j] = (out[j] as number) + i * stride;
    filled *= n;
  }
  return out;
}

const exchange = ({ size, offsets, strides }: Side): Side => ({
  size,
  offsets: [offsets[1], offsets[0], offsets[2]],
  strides: strides && [strides[1], strides[0], strides[2]],
});
