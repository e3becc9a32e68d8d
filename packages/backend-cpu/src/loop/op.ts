/** The form of all elementwise loops. */
import type { TypedArray } from '@ostinato/core/backend';

/**
 * Fills y[p], y[p + dp], ... from one to three arrays in the same way; the last argument counts elements. Each op
 * accepts only its own kinds of arrays, which the tables' keys say, not this type.
 */
export type Op = (...args: never[]) => void;

export type Unary<A, Y = A> = (
  ...args: [y: Y, p: number, dp: number, a: A, q: number, dq: number, n: number]
) => void;

export type Binary<A, Y = A> = (
  ...args: [
    ...[y: Y, p: number, dp: number, a: A, q: number, dq: number],
    ...[b: A, r: number, dr: number, n: number],
  ]
) => void;

export type Select<A> = (
  ...args: [
    ...[y: A, p: number, dp: number, a: Uint32Array, q: number, dq: number],
    ...[b: A, r: number, dr: number, c: A, s: number, ds: number, n: number],
  ]
) => void;

/** Where a step reads or writes: an element to start from, and the steps to the next row and column of a block. */
export interface Lane {
  data: TypedArray;
  at: number;
  readonly row: number;
  readonly column: number;
}
