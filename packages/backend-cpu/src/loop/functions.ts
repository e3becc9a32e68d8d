/**
 * Transcendental functions to float32 accuracy, as loops over arrays. NaN stays NaN; infinities and overflow give the
 * limits. Largest errors found by the tests' sweeps, in units of the last place of a float32: exp and sigmoid 0.55,
 * tanh 0.52, erf 0.62. Knows no expression.
 *
 * exp, tanh, sigmoid and erf are written out because V8's Math.exp and Math.tanh cost 9 and 15 ns per element; these
 * cost 3.5 to 5.6. Math.log, sin and cos (8 ns) leave too little to gain.
 */
import { erf as exactErf } from '@ostinato/core/backend';
import type { Binary, Unary } from './op.ts';

/** 2^k for k from -256 to 255, at k + 256: as doubles, so that what underflows in float32 is rounded only once. */
const powers: Float64Array = Float64Array.from({ length: 512 }, (_, i) => 2 ** (i - 256));

/** Added and taken away again, it leaves a double rounded to a whole number: 1.5 * 2^52. */
const rounder = 6755399441055744;

// (e^r - 1 - r) / r^2 on |r| < 0.347, fitted for the least relative error of e^r, and of e^r - 1.
const e2 = 0.4999999344745986;
const e3 = 0.16666520627620363;
const e4 = 0.04166838810552839;
const e5 = 0.008368717311717809;
const e6 = 0.001381459658457888;
const m2 = 0.5000000044166271;
const m3 = 0.16666666370437871;
const m4 = 0.041666360904727945;
const m5 = 0.008333389371980178;
const m6 = 0.001394062795106326;
const m7 = 0.0001984587745596825;

/** x = k ln 2 + r with |r| below 0.347, where e^r is 1 + r + r^2 p(r) with a fitted p: right to 3.1e-9. */
export const exp: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    const given = a[q] as number;
    // Beyond these the result is 0 or Infinity in float32 already, and `powers` still has an entry.
    const x = given > 100 ? 100 : given < -110 ? -110 : given;
    const k = x * Math.LOG2E + rounder - rounder;
    const r = x - k * Math.LN2;
    const rr = r * r;
    const series = 1 + r + rr * (e2 + r * e3 + rr * (e4 + r * e5 + rr * e6));
    y[p] = series * (powers[(k + 256) | 0] as number);
    p += dp;
    q += dq;
  }
};

/** 1 / (1 + e^-x), with e^-x as in `exp`: right relative to itself for negative x too. */
export const sigmoid: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    const given = -(a[q] as number);
    const x = given > 110 ? 110 : given < -110 ? -110 : given;
    const k = x * Math.LOG2E + rounder - rounder;
    const r = x - k * Math.LN2;
    const rr = r * r;
    const series = 1 + r + rr * (e2 + r * e3 + rr * (e4 + r * e5 + rr * e6));
    y[p] = 1 / (1 + series * (powers[(k + 256) | 0] as number));
    p += dp;
    q += dq;
  }
};

/**
 * (e^2x - 1) / (e^2x + 1). The numerator is put together from e^r - 1, which has no leading 1 to cancel, so that
 * small results are right relative to themselves: to 2.4e-10.
 */
export const tanh: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    const given = 2 * (a[q] as number);
    // e^40 + 2 is e^40 in double precision: the quotient is 1 from there on.
    const x = given > 40 ? 40 : given < -40 ? -40 : given;
    const k = x * Math.LOG2E + rounder - rounder;
    const r = x - k * Math.LN2;
    const rr = r * r;
    const series = r + rr * (m2 + r * m3 + rr * (m4 + r * m5 + rr * (m6 + r * m7)));
    const power = powers[(k + 256) | 0] as number;
    const less1 = series * power + (power - 1);
    y[p] = less1 / (less1 + 2);
    p += dp;
    q += dq;
  }
};

/** erf and its derivative at k / 32, up to where it is 1 in float32 (3.92). */
const erfSteps = 32;
const erfEnd = 4;
const erfAt: Float64Array = Float64Array.from({ length: erfEnd * erfSteps + 1 }, (_, k) =>
  exactErf(k / erfSteps),
);
const erfSlopes: Float64Array = erfAt.map(
  (_, k) => (2 / Math.sqrt(Math.PI)) * Math.exp(-((k / erfSteps) ** 2)),
);

/** Taylor's series to the fourth order from the nearest entry of the table, at most 1/64 away. */
export const erf: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    const given = a[q] as number;
    const size = Math.abs(given);
    const x = size > erfEnd ? erfEnd : size;
    const k = x * erfSteps + rounder - rounder;
    const near = k * (1 / erfSteps);
    const d = x - near;
    const square = 2 * near * near;
    // The derivatives of erf are its slope times Hermite polynomials.
    const curve = 1 - d * (near - d * ((square - 1) * (1 / 3) - d * near * (square - 3) * (1 / 6)));
    const value = (erfAt[k | 0] as number) + d * (erfSlopes[k | 0] as number) * curve;
    y[p] = given < 0 ? -value : value;
    p += dp;
    q += dq;
  }
};

export const log: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.log(a[q] as number);
    p += dp;
    q += dq;
  }
};

export const sin: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.sin(a[q] as number);
    p += dp;
    q += dq;
  }
};

export const cos: Unary<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = Math.cos(a[q] as number);
    p += dp;
    q += dq;
  }
};

export const pow: Binary<Float32Array> = (y, p, dp, a, q, dq, b, r, dr, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (a[q] as number) ** (b[r] as number);
    p += dp;
    q += dq;
    r += dr;
  }
};
