/**
 * A product's axes as those of a matrix product: batch, rows (only in a), columns (only in b) and depth (summed).
 * Knows sizes and strides; knows no arithmetic.
 */
import type { Contract } from '../ir/program.ts';
import { type Axis, collapse } from './axes.ts';

/** Joined axes without those of size 1. Strides are those of a, b and the out, in elements. */
export interface ProductAxes {
  /** In both operands, or in neither. */
  readonly batch: readonly Axis[];
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly depth: readonly Axis[];
}

export function productAxes({ shape, over, args, outs }: Contract): ProductAxes {
  const batch: Axis[] = [];
  const rows: Axis[] = [];
  const columns: Axis[] = [];
  const depth: Axis[] = [];
  [...shape, ...over].forEach((size, k) => {
    const isOver = k >= shape.length;
    const a = args[0].strides[k] as number;
    const b = args[1].strides[k] as number;
    const group = isOver ? depth : !a === !b ? batch : a ? rows : columns;
    group.push({ size, over: isOver, strides: [a, b, outs[0].strides[k] ?? 0] });
  });
  return {
    batch: collapse(batch),
    rows: collapse(rows),
    columns: collapse(columns),
    depth: collapse(depth),
  };
}

/** The same product with a and b in each other's place. */
export function exchange({ batch, rows, columns, depth }: ProductAxes): ProductAxes {
  const swap = (axes: readonly Axis[]): Axis[] =>
    axes.map(({ strides: [a, b, out], ...rest }) => ({
      ...rest,
      strides: [b, a, out] as number[],
    }));
  return { batch: swap(batch), rows: swap(columns), columns: swap(rows), depth: swap(depth) };
}

export const sizeOfAxes = (axes: readonly { readonly size: number }[]): number =>
  axes.reduce((n, a) => n * a.size, 1);
