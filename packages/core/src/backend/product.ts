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
  const has = (a: Axis, k: number): boolean => a.strides[k] !== 0;
  const group = (test: (a: Axis) => boolean): Axis[] => collapse(axes.filter(test));
  return {
    batch: group((a) => !a.over && has(a, 0) === has(a, 1)),
    rows: group((a) => !a.over && has(a, 0) && !has(a, 1)),
    columns: group((a) => !a.over && !has(a, 0) && has(a, 1)),
    depth: group((a) => a.over),
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

export const sizeOfAxes = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.size, 1);
