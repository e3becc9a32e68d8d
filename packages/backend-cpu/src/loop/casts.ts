/** Copies and conversions between element types, as loops over arrays. Knows no expression. */
import type { DType, TypedArray } from '@ostinato/core/backend';
import type { Op, Unary } from './op.ts';

type Words = Int32Array | Uint32Array;

const copyFloats: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = a[q + i] as number;
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = a[q] as number;
    p += dp;
    q += dq;
  }
};

const copyBits: Unary<Words> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = a[q + i] as number;
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = a[q] as number;
    p += dp;
    q += dq;
  }
};

const intToFloat: Unary<Int32Array, Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = a[q + i] as number;
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = a[q] as number;
    p += dp;
    q += dq;
  }
};

const unsignedToFloat: Unary<Uint32Array, Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = a[q + i] as number;
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = a[q] as number;
    p += dp;
    q += dq;
  }
};

/** Truncates toward zero and saturates; NaN, which no clamp changes, is stored as 0. */
const floatToInt: Unary<Float32Array, Int32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.trunc(Math.min(2147483647, Math.max(-2147483648, a[q] as number)));
    p += dp;
    q += dq;
  }
};

const floatToUnsigned: Unary<Float32Array, Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.trunc(Math.min(4294967295, Math.max(0, a[q] as number)));
    p += dp;
    q += dq;
  }
};

/** All but zero is true, NaN too. */
const toBool: Unary<TypedArray, Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) === 0 ? 0 : 1;
    p += dp;
    q += dq;
  }
};

type Storable = Exclude<DType, 'float64'>;

/** From each element type to each; an integer changes its kind by being stored, which wraps. */
export const casts: { readonly [From in Storable]: { readonly [To in Storable]: Op } } = {
  float32: { float32: copyFloats, int32: floatToInt, uint32: floatToUnsigned, bool: toBool },
  int32: { float32: intToFloat, int32: copyBits, uint32: copyBits, bool: toBool },
  uint32: { float32: unsignedToFloat, int32: copyBits, uint32: copyBits, bool: toBool },
  bool: { float32: unsignedToFloat, int32: copyBits, uint32: copyBits, bool: toBool },
};

/** Values moved as they are. */
export const copies: { readonly [D in Storable]: Op } = {
  float32: copyFloats,
  int32: copyBits,
  uint32: copyBits,
  bool: copyBits,
};
