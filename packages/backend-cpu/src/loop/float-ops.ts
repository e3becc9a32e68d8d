/**
 * Float32 operations, as loops over arrays: y[p + i dp] = op(a[q + i dq], ...) for i below n. Each is a
 * function of its own and sees one kind of array, so that the compiler specialises it; where all steps are 1 the
 * frequent ones take a shorter loop. Knows no expression.
 */
import type { ScalarOp } from '@ostinato/core/backend';
import { cos, erf, exp, log, pow, sigmoid, sin, tanh } from './functions.ts';
import type { Binary, Op, Select, Unary } from './op.ts';

const add: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) + (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) + (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const sub: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) - (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) - (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const mul: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) * (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) * (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const div: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) / (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) / (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const rem: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) % (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const min: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = Math.min(a[q + i] as number, b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = Math.min(a[q] as number, b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const max: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = Math.max(a[q + i] as number, b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = Math.max(a[q] as number, b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const neg: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = -(a[q + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = -(a[q] as number);
    p += dp;
    q += dq;
  }
};

const abs: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = Math.abs(a[q + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = Math.abs(a[q] as number);
    p += dp;
    q += dq;
  }
};

const sign: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = Math.sign(a[q + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = Math.sign(a[q] as number);
    p += dp;
    q += dq;
  }
};

const floor: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.floor(a[q] as number);
    p += dp;
    q += dq;
  }
};

const sqrt: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = Math.sqrt(a[q + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = Math.sqrt(a[q] as number);
    p += dp;
    q += dq;
  }
};

const less: Binary<Float32Array, Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) < (b[r] as number) ? 1 : 0;
    p += dp;
    q += dq;
    r += dr;
  }
};

const lessEqual: Binary<Float32Array, Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) <= (b[r] as number) ? 1 : 0;
    p += dp;
    q += dq;
    r += dr;
  }
};

const equal: Binary<Float32Array, Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) === (b[r] as number) ? 1 : 0;
    p += dp;
    q += dq;
    r += dr;
  }
};

const select: Select<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, c, s, ds, n) => {
  if (dp === 1 && dq === 1 && dr === 1 && ds === 1) {
    for (let i = 0; i < n; i++)
      y[p + i] = (a[q + i] as number) !== 0 ? (b[r + i] as number) : (c[s + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) !== 0 ? (b[r] as number) : (c[s] as number);
    p += dp;
    q += dq;
    r += dr;
    s += ds;
  }
};

/** Null where an op does not take floats. */
export const floatOps: { readonly [Name in ScalarOp]: Op | null } = {
  add,
  sub,
  mul,
  div,
  rem,
  pow,
  min,
  max,
  neg,
  abs,
  sign,
  floor,
  exp,
  log,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  sqrt,
  less,
  lessEqual,
  equal,
  select,
  and: null,
  or: null,
  xor: null,
  not: null,
  shl: null,
  shr: null,
};
