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

/** tanh(x) = x P(x^2) / Q(x^2), right to 2.1e-8 before rounding. */
const tanhP = [
  0.9999999795097169, 0.1338103244484483, 0.0034955951520636197, 2.0609158232045192e-5,
  1.3354698178342255e-8,
];
const tanhQ = [
  1, 0.4671434807638229, 0.02587701164578784, 0.0003285644552351626, 7.776587500388043e-7,
];

/** From 9 on it is 1 in float32; before, the quotient's rounding may step over 1, which a hyperbolic tangent must not. */
export function tanh(kit: Kit, a: V): V {
  const x = kit.keep('x', clamp(kit, a, -9, 9));
  const xx = kit.keep('xx', f('mul', x, x));
  const numerator = f('mul', x, kit.polynomial(xx, tanhP));
  return clamp(kit, f('div', numerator, kit.polynomial(xx, tanhQ)), -1, 1);
}

/** e^r = 1 + r p(r) on |r| <= 0.347, right to 9.2e-8 before rounding. */
const shortExp = [
  0.9999997071568716, 0.4999914946802104, 0.1666763626696758, 0.04189793783655593,
  0.008290313093762013,
];

/**
 * 1 / (1 + e^-x), right relative to itself in the lower tail too. e^-x = 2^n e^-r; from 88.4 on n is 128 and 2^n
 * Infinity, so that what would be less than 4.2e-39 is 0.
 */
export function sigmoid(kit: Kit, a: V): V {
  const x = kit.keep('x', clamp(kit, a, -89, 87));
  // With the exponent's bias in the sum, its low bits are those of the float 2^n.
  const sum = kit.keep('sum', kit.nmadd(x, kit.float(Math.LOG2E), kit.float(rounder + 127)));
  const n = kit.keep('n', f('sub', sum, kit.float(rounder + 127)));
  const r = kit.keep('r', kit.madd(n, kit.float(ln2[1]), kit.madd(n, kit.float(ln2[0]), x)));
  // r is the negative of the exponent's rest: odd powers change sign.
  const p = kit.polynomial(
    r,
    shortExp.map((c, k) => (k % 2 === 0 ? -c : c)),
  );
  const power = kit.keep('power', shifted('shl', sum, 23));
  const one = kit.float(1);
  return f('div', one, kit.madd(kit.madd(r, p, one), power, one));
}
