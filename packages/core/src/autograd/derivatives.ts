/**
 * The derivative of each scalar op, as expressions of the same ops: one row each, as in the scalar table. Apart from it,
 * so that a page which only runs a model loads none of them. Knows no tensor.
 */
import { type Expr, apply as e, type ScalarOp } from '../ir/expr.ts';

/**
 * Cotangents of the arguments `x` given the result's cotangent `g` and the result `y`; null where none flows. `c` makes a
 * constant of the result's type.
 */
export type Derivative = (
  g: Expr,
  y: Expr,
  x: readonly [a: Expr, b: Expr, c: Expr],
  c: (value: number) => Expr,
) => readonly (Expr | null)[];

const none: Derivative = () => [null, null];

export const derivatives: { readonly [Op in ScalarOp]: Derivative } = {
  add: (g) => [g, g],
  sub: (g) => [g, e('neg', g)],
  mul: (g, _y, [a, b]) => [e('mul', g, b), e('mul', g, a)],
  div: (g, y, [, b]) => [e('div', g, b), e('neg', e('div', e('mul', g, y), b))],
  rem: (g, y, [a, b], c) => {
    // The quotient that belongs to the remainder: a / b itself may round up to the next whole number.
    const whole = e('floor', e('add', e('div', e('sub', a, y), b), c(0.5)));
    return [g, e('neg', e('mul', g, whole))];
  },
  // 0 * 0^-1 and 0 * log(0) are NaN, but x^0 is flat, and so is 0^p. Operands are replaced, too: behind a select alone a NaN
  // would come back in the second derivative.
  pow: (g, y, [a, b], c) => {
    const zero = e('equal', a, c(0));
    const base = e('select', e('and', zero, e('equal', b, c(0))), c(1), a);
    const log = e('log', e('select', zero, c(1), a));
    return [
      e('mul', g, e('mul', b, e('pow', base, e('sub', b, c(1))))),
      e('select', zero, c(0), e('mul', g, e('mul', y, log))),
    ];
  },
  min: (g, _y, [a, b], c) => pick(e('less', b, a), g, c(0)),
  max: (g, _y, [a, b], c) => pick(e('less', a, b), g, c(0)),
  neg: (g) => [e('neg', g)],
  abs: (g, _y, [a]) => [e('mul', g, e('sign', a))],
  sign: none,
  floor: none,
  exp: (g, y) => [e('mul', g, y)],
  log: (g, _y, [a]) => [e('div', g, a)],
  sin: (g, _y, [a]) => [e('mul', g, e('cos', a))],
  cos: (g, _y, [a]) => [e('neg', e('mul', g, e('sin', a)))],
  tanh: (g, y, _x, c) => [e('mul', g, e('sub', c(1), e('mul', y, y)))],
  sigmoid: (g, y, _x, c) => [e('mul', g, e('mul', y, e('sub', c(1), y)))],
  erf: (g, _y, [a], c) => [
    e('mul', g, e('mul', c(2 / Math.sqrt(Math.PI)), e('exp', e('neg', e('mul', a, a))))),
  ],
  sqrt: (g, y) => [e('div', g, e('add', y, y))],
  less: none,
  lessEqual: none,
  equal: none,
  and: none,
  or: none,
  xor: none,
  not: none,
  shl: none,
  shr: none,
  select: (g, _y, [condition], c) => [
    null,
    e('select', condition, g, c(0)),
    e('select', condition, c(0), g),
  ],
};

/** Of two arguments the second gets the cotangent where `second` holds, else (ties too) the first. */
function pick(second: Expr, g: Expr, zero: Expr): readonly Expr[] {
  return [e('select', second, zero, g), e('select', second, g, zero)];
}
