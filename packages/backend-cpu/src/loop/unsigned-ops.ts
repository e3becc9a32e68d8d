/**
 * Uint32 and bool (0 or 1) operations, as loops over arrays: y[p + i dp] = op(a[q + i dq], ...) for i below n. Each is a
 * function of its own and sees one kind of array, so that the compiler specialises it; where all steps are 1 the
 * frequent ones take a shorter loop. Knows no expression.
 */
import type { ScalarOp } from '@ostinato/core/backend';
import type { Binary, Op, Select, Unary } from './op.ts';

const add: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
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

const sub: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
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

const mul: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = Math.imul(a[q + i] as number, b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = Math.imul(a[q] as number, b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const div: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) / (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const rem: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) % (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const min: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.min(a[q] as number, b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const max: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.max(a[q] as number, b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const neg: Unary<Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = -(a[q] as number);
    p += dp;
    q += dq;
  }
};

const abs: Unary<Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.abs(a[q] as number);
    p += dp;
    q += dq;
  }
};

const sign: Unary<Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.sign(a[q] as number);
    p += dp;
    q += dq;
  }
};

const and: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) & (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) & (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const or: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) | (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) | (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const xor: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) ^ (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) ^ (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const not: Unary<Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = ~(a[q] as number);
    p += dp;
    q += dq;
  }
};

const shl: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) << (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) << (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const shr: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  if (dp === 1 && dq === 1 && dr === 1) {
    for (let i = 0; i < n; i++) y[p + i] = (a[q + i] as number) >>> (b[r + i] as number);
    return;
  }
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) >>> (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};

const less: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) < (b[r] as number) ? 1 : 0;
    p += dp;
    q += dq;
    r += dr;
  }
};

const lessEqual: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) <= (b[r] as number) ? 1 : 0;
    p += dp;
    q += dq;
    r += dr;
  }
};

const equal: Binary<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) === (b[r] as number) ? 1 : 0;
    p += dp;
    q += dq;
    r += dr;
  }
};

const select: Select<Uint32Array> = (y, p, dp, a, q, dq, b, r, dr, c, s, ds, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) !== 0 ? (b[r] as number) : (c[s] as number);
    p += dp;
    q += dq;
    r += dr;
    s += ds;
  }
};

/** The other bool. */
const flip: Unary<Uint32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) !== 0 ? 0 : 1;
    p += dp;
    q += dq;
  }
};

/** Null where an op does not take integers. Storing into the array wraps to 32 bits. */
export const unsignedOps: { readonly [Name in ScalarOp]: Op | null } = {
  add,
  sub,
  mul,
  div,
  rem,
  min,
  max,
  neg,
  abs,
  sign,
  and,
  or,
  xor,
  not,
  shl,
  shr,
  less,
  lessEqual,
  equal,
  select,
  pow: null,
  floor: null,
  exp: null,
  log: null,
  sin: null,
  cos: null,
  tanh: null,
  sigmoid: null,
  erf: null,
  sqrt: null,
};

export const boolOps: typeof unsignedOps = { ...unsignedOps, not: flip };
