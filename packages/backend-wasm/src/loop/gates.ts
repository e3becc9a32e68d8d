/**
 * The functions of gates on vectors of floats: those that every cell has. The others, and how right all of them are, stand
 * in functions.ts. Knows no loop.
 *
 * `pmin` and `pmax` are one instruction where `min` and `max` are several; they give their first operand where it is NaN.
 */
import { floats as f, type Kit, shifted, type V } from './kit.ts';

export const clamp = (kit: Kit, x: V, low: number, high: number): V =>
  f('pmax', f('pmin', x, kit.float(high)), kit.float(low));

/** Added to a float below 2^22 and taken away again, it leaves the nearest whole number: 1.5 * 2^23. */
export const rounder = 12582912;
/** ln 2 in two parts: the first has 10 bits, so that its product with an exponent is exact. */
export const ln2 = [0.693359375, -0.00021219444005469057] as const;

/** tanh(x) = x P(x^2) / Q(x^2) up to x = 9, right to 2.1e-8 before rounding. */
const tanhP = [1288326.1, 172374.39, 4501.4547, 26.518215, 0.017159278];
/** Then x^2 + 422.9692 times the power that follows. */
const tanhQ = [1288326.16, 601816.2, 33330.375];

type Quotient = readonly [numerator: V, denominator: V];

const tanhParts = (kit: Kit, x: V, xx: V): Quotient => [
  f('mul', x, kit.polynomial(xx, tanhP)),
  kit.polynomial(xx, tanhQ, f('add', xx, kit.float(422.9692))),
];

/** From 9 on its quotient stays as it is, so that x times it goes on rising; cut off, it is 1 and never more. */
export function tanh(kit: Kit, a: V): V {
  const x = kit.keep('x', a);
  const xx = kit.keep('xx', f('pmin', f('mul', x, x), kit.float(81)));
  return clamp(kit, f('div', ...tanhParts(kit, x, xx)), -1, 1);
}

/** tanh(r / 2) = r (c + r^2) / (a + b r^2) on |r| <= 0.347, right to 5.4e-10 before rounding. */
const halfTanh = { a: 120.15432, b: 12.01285, c: 60.07716 };

/**
 * e^x / (1 + e^x), right relative to itself in the lower tail too. e^x = 2^n e^r, and e^r = (even + odd) / (even - odd)
 * where tanh(r / 2) = odd / even: one division does for both. From -87.6832 down 2^n is 0, where the result would be less
 * than 8.312e-39.
 */
function sigmoidParts(kit: Kit, a: V): Quotient {
  const x = kit.keep('x', clamp(kit, a, -88, 30));
  // With the exponent's bias in the sum, its low bits are those of the float 2^n.
  const sum = kit.keep('sum', kit.madd(x, kit.float(Math.LOG2E), kit.float(rounder + 127)));
  const n = kit.keep('n', f('sub', sum, kit.float(rounder + 127)));
  const rest = kit.target.relaxed
    ? kit.nmadd(n, kit.float(Math.LN2), x)
    : kit.nmadd(n, kit.float(ln2[1]), kit.nmadd(n, kit.float(ln2[0]), x));
  const r = kit.keep('r', rest);
  const rr = kit.keep('rr', f('mul', r, r));
  const odd = kit.keep('odd', f('mul', r, f('add', rr, kit.float(halfTanh.c))));
  const even = kit.keep('even', kit.madd(rr, kit.float(halfTanh.b), kit.float(halfTanh.a)));
  const up = kit.keep('up', f('mul', shifted('shl', sum, 23), f('add', even, odd)));
  return [up, f('add', up, f('sub', even, odd))];
}

export const sigmoid = (kit: Kit, a: V): V => f('div', ...sigmoidParts(kit, a));

/**
 * Functions as quotients of what is below 1e16, the numerator never more than the denominator: so is a product of two, with
 * one division for both. Up to 7.87 no float's tanh is more than 1, with multiply-add or without; beyond, it stays 1 - 3e-7.
 */
export const quotients = {
  sigmoid: sigmoidParts,
  tanh(kit: Kit, a: V): Quotient {
    const x = kit.keep('x', clamp(kit, a, -7.87, 7.87));
    return tanhParts(kit, x, kit.keep('xx', f('mul', x, x)));
  },
};
