import type { Kit, V } from './kit.ts';
/** From 9 on it is 1 in float32. */
export declare function tanh(kit: Kit, a: V): V;
/**
 * 1 / (1 + e^-x), right relative to itself in the lower tail too. e^-x = 2^n e^-r; from 88.4 on n is 128 and 2^n
 * Infinity, so that what would be less than 4.2e-39 is 0.
 */
export declare function sigmoid(kit: Kit, a: V): V;
/** 2^n is applied in two halves: so that results below 2^-126 are rounded once, and Infinity begins where it should. */
export declare function exp(kit: Kit, a: V): V;
export declare function log(kit: Kit, a: V): V;
/** sin and cos are right up to |x| = 2e8; beyond, they lie between -1 and 1 and mean nothing. */
export declare function sin(kit: Kit, a: V): V;
export declare function cos(kit: Kit, a: V): V;
/** From 3.92 on it is 1 in float32. */
export declare function erf(kit: Kit, a: V): V;
//# sourceMappingURL=functions.d.ts.map
