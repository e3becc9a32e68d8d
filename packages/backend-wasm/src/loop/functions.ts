/**
 * Transcendental functions on vectors of floats. NaN stays NaN, infinities and overflow give the limits. Largest
 * relative errors, found among all floats: exp and log 8.6e-8, sin and cos 1.33e-7, tanh 3.5e-7, erf 3.6e-7 (4.6e-7 without
 * fused multiply-add), sigmoid 4.8e-7 (and 2.4e-7 above -20), a product of two gates' functions those of both.
 * Coefficients are least-maximum fits of the relative error. Knows no loop.
 */
import { clamp, ln2, rounder } from './gates.ts';
import { bits, floats as f, ints as i, type Kit, shifted, type V } from './kit.ts';
import { byQuarterTurns } from './wide.ts';

/** e^r = 1 + r + r^2 p(r) on |r| <= 0.347, right to 3.1e-9 before rounding. */
const longExp = [
  0.49999993450971975, 0.1666652067904239, 0.04166838749038903, 0.008368711132912595,
  0.0013814610429628664,
];

/** 2^n is applied in two halves: so that results below 2^-126 are rounded once, and Infinity begins where it should. */
export function exp(kit: Kit, a: V): V {
  const x = kit.keep('x', clamp(kit, a, -105, 89));
  const sum = kit.keep('sum', kit.madd(x, kit.float(Math.LOG2E), kit.float(rounder)));
  const n = kit.keep('n', f('sub', sum, kit.float(rounder)));
  const r = kit.keep('r', kit.nmadd(n, kit.float(ln2[1]), kit.nmadd(n, kit.float(ln2[0]), x)));
  const p = kit.polynomial(r, longExp);
  const series = f('add', kit.float(1), kit.madd(f('mul', r, r), p, r));
  const exponent = kit.keep('exponent', i('sub', sum, kit.float(rounder)));
  const half = kit.keep('half', shifted('shr_s', exponent, 1));
  const power = (k: V): V => shifted('shl', i('add', k, kit.int(127)), 23);
  return f('mul', f('mul', series, power(half)), power(i('sub', exponent, half)));
}

/** log(1 + m) = m - m^2 / 2 + m^3 p(m) for 1 + m between sqrt(1/2) and sqrt(2), right to 7.5e-10 before rounding. */
const logP = [
  0.3333331260390052, -0.25000009599951645, 0.20002118668276478, -0.16667995829580598,
  0.14219552172468747, -0.12405589246918164, 0.1188816387402677, -0.11675650438449975,
  0.06746635388304636,
];

export function log(kit: Kit, a: V): V {
  const x = kit.keep('x', a);
  const tiny = kit.keep('tiny', f('lt', x, kit.float(2 ** -126)));
  const scaled = bits('bitselect', f('mul', x, kit.float(2 ** 23)), x, tiny);
  const normal = kit.keep('normal', scaled);
  // x = 2^k (1 + m).
  const k = kit.keep('k', shifted('shr_s', i('sub', normal, kit.int(0x3f3504f3)), 23));
  const exponent = f('sub', f('convert_i32x4_s', k), bits('and', tiny, kit.float(23)));
  const e = kit.keep('e', exponent);
  const m = kit.keep('m', f('sub', i('sub', normal, shifted('shl', k, 23)), kit.float(1)));
  const mm = kit.keep('mm', f('mul', m, m));
  const cubic = kit.madd(f('mul', m, mm), kit.polynomial(m, logP), f('mul', e, kit.float(ln2[1])));
  const small = kit.nmadd(kit.float(0.5), mm, cubic);
  const result = kit.madd(e, kit.float(ln2[0]), f('add', m, small));
  const infinity = Number.POSITIVE_INFINITY;
  const ordinary = bits('and', f('lt', kit.float(0), x), f('lt', x, kit.float(infinity)));
  // The root of Infinity is Infinity, that of NaN or a negative number NaN.
  const limit = bits('bitselect', kit.float(-infinity), f('sqrt', x), f('eq', x, kit.float(0)));
  return bits('bitselect', result, limit, ordinary);
}

/** sin(r) = r + r^3 p(r^2) and cos(r) = 1 - r^2 / 2 + r^4 q(r^2) on |r| <= pi / 4. */
const sinP = [-0.16666654926175123, 0.008332176996590342, -0.00019517138241713982];
const cosQ = [0.041666646836647246, -0.0013887365993403879, 2.4438270521651438e-5];

/** The sine of r plus a number of quarter turns. */
function sineOf(kit: Kit, r: V, turns: V): V {
  const rr = kit.keep('rr', f('mul', r, r));
  const sine = kit.madd(f('mul', r, rr), kit.polynomial(rr, sinP), r);
  const rest = f('mul', f('mul', rr, rr), kit.polynomial(rr, cosQ));
  const cosine = f('add', kit.nmadd(kit.float(0.5), rr, kit.float(1)), rest);
  const odd = i('neg', bits('and', turns, kit.int(1)));
  const sign = shifted('shl', bits('and', turns, kit.int(2)), 30);
  return bits('xor', bits('bitselect', cosine, sine, odd), sign);
}

/** sin and cos are right up to |x| = 2e8; beyond, they lie between -1 and 1 and mean nothing. */
export function sin(kit: Kit, a: V): V {
  const x = kit.keep('x', a);
  const { rest, turns } = byQuarterTurns(kit, x);
  return bits('xor', sineOf(kit, rest, turns), bits('and', x, kit.float(-0)));
}

export function cos(kit: Kit, a: V): V {
  const { rest, turns } = byQuarterTurns(kit, kit.keep('x', a));
  return sineOf(kit, rest, kit.keep('turns', i('add', turns, kit.int(1))));
}

/** erf(x) = x P(x^2) / Q(x^2), right to 1.9e-8 before rounding. */
const erfP = [
  1.128379146227455, 0.19040187995087754, 0.05274799059585981, 0.003765383796089119,
  0.000284871248325525, 2.0500413364791503e-6,
];
const erfQ = [
  1, 0.5020720155698474, 0.11410710041413859, 0.014968757532593534, 0.0011624672049673419,
  3.809063881929651e-5,
];

/** From 3.92 on it is 1 in float32. */
export function erf(kit: Kit, a: V): V {
  const x = kit.keep('x', clamp(kit, a, -3.92, 3.92));
  const xx = kit.keep('xx', f('mul', x, x));
  const numerator = f('mul', x, kit.polynomial(xx, erfP));
  return clamp(kit, f('div', numerator, kit.polynomial(xx, erfQ)), -1, 1);
}
