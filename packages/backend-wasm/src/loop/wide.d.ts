import type { Kit, V } from './kit.ts';
/**
 * Integer quotients toward zero; 0 where the divisor is 0. In double precision the quotient of two 32-bit integers is
 * never rounded across a whole number.
 */
export declare function divide(kit: Kit, sign: 's' | 'u', a: V, b: V): V;
/**
 * The remainder with the sign of the dividend: exact. Each round takes away the divisor times the quotient's leading
 * 24 bits; that product has 48 bits and what is left again fits a double, so nothing is ever rounded. One round does
 * for quotients below 2^24, thirteen for any.
 */
export declare function remainder(kit: Kit, a: V, b: V): V;
/**
 * |x| = n pi/2 + rest with |rest| <= pi/4: the rest as floats and n's low bits. Good up to |x| = 2e8, and bounded
 * beyond.
 */
export declare function byQuarterTurns(
  kit: Kit,
  x: V,
): {
  rest: V;
  turns: V;
};
/** x^y as JavaScript has it: x^0 is 1, 1^Infinity and 1^NaN are NaN. Right to a little over half a unit. */
export declare function pow(kit: Kit, a: V, b: V): V;
//# sourceMappingURL=wide.d.ts.map
