/**
 * Reductions as loops over arrays: acc[p + i dp] = combine(acc[p + i dp], a[q + i dq]), where dp is 0 if all go to one
 * element. Floats are summed in double precision, in an order that the shapes alone decide. Knows no shapes.
 */
import type { Combine, DType, TypedArray } from '@ostinato/core/backend';
import { casts, copies } from './casts.ts';
import type { Op, Unary } from './op.ts';

/** How elements of one type are reduced: what holds the results so far, and how these become elements. */
export interface Reducer {
  readonly accumulators: (count: number) => TypedArray;
  readonly start: number;
  readonly accumulate: Op;
  readonly finish: Op;
}

const sumFloats: Unary<Float32Array, Float64Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 0) {
    y[p] = (y[p] as number) + sumOfRun(a, q, dq, n);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (y[p] as number) + (a[q] as number);
    p += dp;
    q += dq;
  }
};

/** Four sums side by side: one alone would wait for each addition to end. */
function sumOfRun(a: Float32Array, q: number, dq: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 3;
  for (; i < n; i += 4) {
    s0 += a[q] as number;
    s1 += a[q + dq] as number;
    s2 += a[q + 2 * dq] as number;
    s3 += a[q + 3 * dq] as number;
    q += 4 * dq;
  }
  for (i -= 3; i < n; i++) {
    s0 += a[q] as number;
    q += dq;
  }
  return s0 + s1 + (s2 + s3);
}

const sumInts: Unary<Int32Array | Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = ((y[p] as number) + (a[q] as number)) | 0;
    p += dp;
    q += dq;
  }
};

/** NaN compares false to all: it is taken when met, and what comes after does not replace it. */
const maxFloats: Unary<Float32Array, Float64Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    const x = a[q] as number;
    if (x > (y[p] as number) || Number.isNaN(x)) y[p] = x;
    p += dp;
    q += dq;
  }
};

const minFloats: Unary<Float32Array, Float64Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    const x = a[q] as number;
    if (x < (y[p] as number) || Number.isNaN(x)) y[p] = x;
    p += dp;
    q += dq;
  }
};

const maxInts: Unary<Int32Array | Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.max(y[p] as number, a[q] as number);
    p += dp;
    q += dq;
  }
};

const minInts: Unary<Int32Array | Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.min(y[p] as number, a[q] as number);
    p += dp;
    q += dq;
  }
};

const round: Unary<Float64Array, Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = a[q] as number;
    p += dp;
    q += dq;
  }
};

const doubles = (count: number): TypedArray => new Float64Array(count);
const ints = (count: number): TypedArray => new Int32Array(count);
const unsigned = (count: number): TypedArray => new Uint32Array(count);

const floats = (start: number, accumulate: Op): Reducer => ({
  accumulators: doubles,
  start,
  accumulate,
  finish: round,
});
const signed = (start: number, accumulate: Op): Reducer => ({
  accumulators: ints,
  start,
  accumulate,
  finish: copies.int32,
});
const words = (start: number, accumulate: Op): Reducer => ({
  accumulators: unsigned,
  start,
  accumulate,
  finish: copies.uint32,
});
/** Sums of bools count, and any count but 0 is true. */
const bools = (start: number, accumulate: Op): Reducer => ({
  ...words(start, accumulate),
  finish: casts.uint32.bool,
});

/** By element type and combination. */
export const reducers: {
  readonly [D in Exclude<DType, 'float64'>]: { readonly [C in Combine]: Reducer };
} = {
  float32: {
    sum: floats(0, sumFloats),
    max: floats(Number.NEGATIVE_INFINITY, maxFloats),
    min: floats(Number.POSITIVE_INFINITY, minFloats),
  },
  int32: {
    sum: signed(0, sumInts),
    max: signed(-2147483648, maxInts),
    min: signed(2147483647, minInts),
  },
  uint32: { sum: words(0, sumInts), max: words(0, maxInts), min: words(4294967295, minInts) },
  bool: { sum: bools(0, sumInts), max: bools(0, maxInts), min: bools(4294967295, minInts) },
};
