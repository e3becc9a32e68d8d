/**
 * Ops that need more than float32 on the way: done in doubles, two lanes at a time. Knows no loop.
 */
import { addCodes, node } from '../assembler/codes.ts';
import { doubles } from '../assembler/doubles.ts';
import { i32, type Value, v128 } from '../assembler/instructions.ts';
import { bits, each, floats as f, family, ints as i, type Kit, type V } from './kit.ts';

addCodes(doubles);
const d = family(v128.family('f64x2'));
const words = family(v128.family('i64x2'));

/** Two equal double lanes. */
function double(kit: Kit, x: number): V {
  const [low, high] = new Int32Array(Float64Array.of(x).buffer) as unknown as [number, number];
  return kit.ints(low, high, low, high);
}

/** For code with loops of its own: `body` for each vector by itself. */
const separately = (body: (...x: V[]) => V, ...inputs: readonly V[]): V =>
  each((...x) => body(...x.map((v) => [v]))[0] as Value<'v128'>, ...inputs);

const anyTrue = (x: V): Value<'i32'> => node('i32', 'v128.any_true', x);

const shuffle = (a: V, b: V, lanes: readonly [number, number, number, number]): V =>
  each((x, y) => v128.shuffle(x, y, lanes), a, b);

/** Both 64-bit lanes shifted by the same count. */
const shifted = (name: 'shl' | 'shr_s', x: V, by: number): V =>
  each((a) => node('v128', `i64x2.${name}`, [a, i32.const(by)]), x);
const only = ([x]: V): Value<'v128'> => x as Value<'v128'>;

const lower = (x: V): V => x;
/** The upper two lanes, moved down. */
const upper = (x: V): V => shuffle(x, x, [2, 3, 2, 3]);
/** Lanes 0 and 1 of the first, then 0 and 1 of the second. */
const together = (low: V, high: V): V => shuffle(low, high, [0, 1, 4, 5]);

/** Does `body` with the lower and with the upper lanes as doubles, and rounds what it gives to floats. */
function inDoubles(kit: Kit, inputs: readonly V[], body: (...x: V[]) => V): V {
  const half = (lanes: (x: V) => V): V => {
    const wide = inputs.map((x) => kit.keep('wide', d('promote_low_f32x4', lanes(x))));
    return f('demote_f64x2_zero', body(...wide));
  };
  return together(half(lower), half(upper));
}

/**
 * Integer quotients toward zero; 0 where the divisor is 0. In double precision the quotient of two 32-bit integers is
 * never rounded across a whole number.
 */
export function divide(kit: Kit, sign: 's' | 'u', a: V, b: V): V {
  const x = kit.keep('x', a);
  const y = kit.keep('y', b);
  const half = (lanes: (v: V) => V): V => {
    const wide = (v: V): V => d(`convert_low_i32x4_${sign}`, lanes(v));
    return i(`trunc_sat_f64x2_${sign}_zero`, d('div', wide(x), wide(y)));
  };
  const quotient = together(half(lower), half(upper));
  const defined = bits('and', quotient, i('ne', y, kit.int(0)));
  if (sign === 'u') return defined;
  // -2^31 / -1 saturates to 2^31 - 1; it wraps to -2^31, which is one more. Masks are -1.
  const wraps = bits('and', i('eq', x, kit.int(-2147483648)), i('eq', y, kit.int(-1)));
  return i('sub', defined, wraps);
}

/**
 * The remainder with the sign of the dividend: exact. Each round takes away the divisor times the quotient's leading
 * 24 bits; that product has 48 bits and what is left again fits a double, so nothing is ever rounded. One round does
 * for quotients below 2^24, thirteen for any.
 */
export const remainder = (kit: Kit, a: V, b: V): V =>
  separately((x, y) => remainderOf(kit, kit.keep('x', x), kit.keep('y', y)), a, b);

function remainderOf(kit: Kit, x: V, y: V): V {
  const leading = kit.ints(-536870912, -1, -536870912, -1);
  const size = inDoubles(kit, [f('abs', x), f('abs', y)], (dividend, by) => {
    // Infinity would make NaN of what is left; this is as good, being larger than any float.
    const divisor = kit.keep('divisor', d('pmin', by, double(kit, 1e300)));
    const rest = kit.f.let('rest', only(dividend));
    const left = [kit.f.get(rest)];
    kit.f.loop(() => {
      const quotient = bits('and', d('trunc', d('div', left, divisor)), leading);
      kit.f.set(rest, only(d('sub', left, d('mul', quotient, divisor))));
      kit.f.repeatIf(anyTrue(d('le', divisor, left)));
    });
    return left;
  });
  return bits('or', size, bits('and', x, kit.float(-0)));
}

/** Added to a double below 2^51, it leaves the nearest whole number in the low bits. */
const rounder = 6755399441055744;

/** pi / 2 in three parts: a whole number below 2^27 times one of the first two is exact. */
const halfPi = [1.5707963109016418, 1.5893254712295857e-8, 6.123233995736766e-17];

/**
 * |x| = n pi/2 + rest with |rest| <= pi/4: the rest as floats and n's low bits. Good up to |x| = 2e8, and bounded
 * beyond.
 */
export function byQuarterTurns(kit: Kit, x: V): { rest: V; turns: V } {
  const size = f('abs', x);
  const half = (lanes: (v: V) => V): { rest: V; turns: V } => {
    const wide = kit.keep('wide', d('promote_low_f32x4', lanes(size)));
    const near = d('add', d('mul', wide, double(kit, 2 / Math.PI)), double(kit, rounder));
    const turns = kit.keep('turns', near);
    const n = kit.keep('n', d('sub', turns, double(kit, rounder)));
    const rest = halfPi.reduce((r, part) => d('sub', r, d('mul', n, double(kit, part))), wide);
    return { rest: f('demote_f64x2_zero', rest), turns };
  };
  const low = half(lower);
  const high = half(upper);
  const rest = together(low.rest, high.rest);
  // Beyond 2e8 the rest is noise; it must not leave the polynomials' range.
  const bounded = f('pmax', f('pmin', rest, kit.float(0.7854)), kit.float(-0.7854));
  return {
    rest: kit.keep('rest', bounded),
    turns: kit.keep('turns', shuffle(low.turns, high.turns, [0, 2, 4, 6])),
  };
}

/** 1/3, 1/5, ...: atanh(s) = s (1 + s^2/3 + s^4/5 + ...), enough of it for |s| <= 0.172. */
const atanhSeries = [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15];
/** e^r up to r^9: right to 2e-11 for |r| <= 0.347. */
const expSeries = [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880];

const series = (kit: Kit, x: V, coefficients: readonly number[]): V =>
  coefficients
    .slice(0, -1)
    .reduceRight(
      (sum, c) => d('add', d('mul', sum, x), double(kit, c)),
      double(kit, coefficients.at(-1) as number),
    );

/** log2 of doubles that are not negative; of 0 it is -Infinity, of NaN and Infinity they themselves. */
function log2(kit: Kit, x: V): V {
  // x = 2^k m with m between sqrt(1/2) and sqrt(2).
  const middle = kit.ints(0x667f3bcd, 0x3fe6a09e, 0x667f3bcd, 0x3fe6a09e);
  const k = kit.keep('k', shifted('shr_s', words('sub', x, middle), 52));
  const m = kit.keep('m', words('sub', x, shifted('shl', k, 52)));
  const exponent = d('convert_low_i32x4_s', shuffle(k, k, [0, 2, 0, 2]));
  const one = double(kit, 1);
  const s = kit.keep('s', d('div', d('sub', m, one), d('add', m, one)));
  const ss = kit.keep('ss', d('mul', s, s));
  const log = d('mul', d('mul', s, double(kit, 2 / Math.LN2)), series(kit, ss, atanhSeries));
  const finite = d('lt', x, double(kit, Number.POSITIVE_INFINITY));
  const positive = d('lt', double(kit, 0), x);
  const ofZero = double(kit, Number.NEGATIVE_INFINITY);
  return bits('bitselect', bits('bitselect', d('add', exponent, log), ofZero, positive), x, finite);
}

/** 2^t; beyond the range of floats it only has to stay beyond. */
function exp2(kit: Kit, exponent: V): V {
  const limited = d('pmax', d('pmin', exponent, double(kit, 200)), double(kit, -200));
  const t = kit.keep('t', limited);
  const n = kit.keep('n', d('nearest', t));
  const r = kit.keep('r', d('mul', d('sub', t, n), double(kit, Math.LN2)));
  const power = shifted('shl', d('add', n, double(kit, rounder + 1023)), 52);
  return d('mul', series(kit, r, expSeries), power);
}

/** x^y as JavaScript has it: x^0 is 1, 1^Infinity and 1^NaN are NaN. Right to a little over half a unit. */
export function pow(kit: Kit, a: V, b: V): V {
  const x = kit.keep('x', a);
  const y = kit.keep('y', b);
  const size = inDoubles(kit, [f('abs', x), y], (base, exponent) => {
    const log = log2(kit, base);
    return exp2(kit, d('mul', exponent, log));
  });
  const half = kit.keep('half', f('mul', y, kit.float(0.5)));
  const whole = kit.keep('whole', f('eq', f('floor', y), y));
  const odd = bits('and', whole, f('ne', f('floor', half), half));
  const signed = bits('or', size, bits('and', bits('and', x, kit.float(-0)), odd));
  // A root of a negative number, but not of -Infinity.
  const finite = f('lt', kit.float(Number.NEGATIVE_INFINITY), x);
  const negative = bits('and', f('lt', x, kit.float(0)), finite);
  const root = bits('andnot', negative, whole);
  const result = bits('bitselect', kit.float(Number.NaN), signed, root);
  return bits('bitselect', kit.float(1), result, f('eq', y, kit.float(0)));
}
