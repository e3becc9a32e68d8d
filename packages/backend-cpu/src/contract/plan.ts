/** A matrix product's sides as lists of offsets. Knows strides; knows no arithmetic. */
import {
  type Axis,
  type Contract,
  exchange,
  productAxes,
  sizeOfAxes,
} from '@ostinato/core/backend';

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
  const axes = productAxes(contract);
  const swapped = sizeOfAxes(axes.rows) > sizeOfAxes(axes.columns);
  const { batch, rows, columns, depth } = swapped ? exchange(axes) : axes;
  return {
    batch: sideOf(batch),
    rows: sideOf(rows),
    columns: sideOf(columns),
    depth: sideOf(depth),
    swapped,
  };
}

function sideOf(axes: readonly Axis[]): Side {
  const size = sizeOfAxes(axes);
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
