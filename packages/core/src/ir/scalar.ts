/**
 * The scalar table: one row per op with its types, its meaning and its derivative. Everything elementwise, its
 * gradient included, is derived from here; a new op is one row.
 */
import { castElement, coerce, type DType, isFloat } from './dtype.ts';
import { apply, type Expr, exprOrder, type ScalarOp } from './expr.ts';

/** Which element types an op takes; `result` is what it gives: the type of its (last) argument or bool. */
type Accepts = 'number' | 'float' | 'integer' | 'bits' | 'any';

export interface ScalarRule {
  readonly arity: number;
  readonly accepts: Accepts;
  readonly result: 'same' | 'bool';
  /** The value in exact arithmetic; the caller rounds or wraps it to the element type. */
  readonly eval: (...x: number[]) => number;
  /** Where 32-bit integers need another formula than "compute, then wrap". */
  readonly evalInteger?: (unsigned: boolean, ...x: number[]) => number;
  /** Costs about as much as tens of additions: worth storing rather than computing twice. */
  readonly costly?: boolean;
  /**
   * Cotangents of the arguments `x` given the result's cotangent `g` and the result `y`; null where none flows. `c`
   * makes a constant of the result's type.
   */
  readonly vjp: (
    g: Expr,
    y: Expr,
    x: readonly Expr[],
    c: (value: number) => Expr,
  ) => readonly (Expr | null)[];
}

const e = apply;
const none = [null, null] as const;
const at = (x: readonly Expr[], i: number): Expr => x[i] as Expr;

export const scalarOps: { readonly [Op in ScalarOp]: ScalarRule } = {
  add: row(
    2,
    'number',
    (a, b) => a + b,
    (g) => [g, g],
  ),
  sub: row(
    2,
    'number',
    (a, b) => a - b,
    (g) => [g, e('neg', g)],
  ),
  mul: {
    ...row(
      2,
      'number',
      (a, b) => a * b,
      (g, _y, x) => [e('mul', g, at(x, 1)), e('mul', g, at(x, 0))],
    ),
    evalInteger: (_unsigned, a = 0, b = 0) => Math.imul(a, b),
  },
  div: row(
    2,
    'number',
    (a, b) => a / b,
    (g, y, x) => [e('div', g, at(x, 1)), e('neg', e('div', e('mul', g, y), at(x, 1)))],
  ),
  /** The remainder with the sign of the dividend, as in JavaScript, C and WGSL. */
  rem: row(
    2,
    'number',
    (a, b) => a % b,
    (g, _y, x) => {
      const quotient = e('div', at(x, 0), at(x, 1));
      const whole = e('mul', e('sign', quotient), e('floor', e('abs', quotient)));
      return [g, e('neg', e('mul', g, whole))];
    },
  ),
  pow: costly(
    row(
      2,
      'float',
      (a, b) => a ** b,
      (g, y, x, c) => [
        // 0 * 0^-1 and 0 * log(0) are NaN, but x^0 is flat, and so is 0^p.
        e(
          'select',
          e('equal', at(x, 1), c(0)),
          c(0),
          e('mul', g, e('mul', at(x, 1), e('pow', at(x, 0), e('sub', at(x, 1), c(1))))),
        ),
        e('select', e('equal', at(x, 0), c(0)), c(0), e('mul', g, e('mul', y, e('log', at(x, 0))))),
      ],
    ),
  ),
  min: row(
    2,
    'number',
    (a, b) => Math.min(a, b),
    (g, _y, x, c) => pick(e('less', at(x, 1), at(x, 0)), g, c(0)),
  ),
  max: row(
    2,
    'number',
    (a, b) => Math.max(a, b),
    (g, _y, x, c) => pick(e('less', at(x, 0), at(x, 1)), g, c(0)),
  ),
  neg: row(
    1,
    'number',
    (a) => -a,
    (g) => [e('neg', g)],
  ),
  abs: row(
    1,
    'number',
    (a) => Math.abs(a),
    (g, _y, x) => [e('mul', g, e('sign', at(x, 0)))],
  ),
  sign: row(
    1,
    'number',
    (a) => Math.sign(a),
    () => [null],
  ),
  floor: row(
    1,
    'float',
    (a) => Math.floor(a),
    () => [null],
  ),
  exp: costly(
    row(
      1,
      'float',
      (a) => Math.exp(a),
      (g, y) => [e('mul', g, y)],
    ),
  ),
  log: costly(
    row(
      1,
      'float',
      (a) => Math.log(a),
      (g, _y, x) => [e('div', g, at(x, 0))],
    ),
  ),
  sin: costly(
    row(
      1,
      'float',
      (a) => Math.sin(a),
      (g, _y, x) => [e('mul', g, e('cos', at(x, 0)))],
    ),
  ),
  cos: costly(
    row(
      1,
      'float',
      (a) => Math.cos(a),
      (g, _y, x) => [e('neg', e('mul', g, e('sin', at(x, 0))))],
    ),
  ),
  tanh: costly(
    row(
      1,
      'float',
      (a) => Math.tanh(a),
      (g, y, _x, c) => [e('mul', g, e('sub', c(1), e('mul', y, y)))],
    ),
  ),
  sigmoid: costly(
    row(
      1,
      'float',
      (a) => 1 / (1 + Math.exp(-a)),
      (g, y, _x, c) => [e('mul', g, e('mul', y, e('sub', c(1), y)))],
    ),
  ),
  erf: costly(
    row(1, 'float', erf, (g, _y, x, c) => [
      e(
        'mul',
        g,
        e('mul', c(2 / Math.sqrt(Math.PI)), e('exp', e('neg', e('mul', at(x, 0), at(x, 0))))),
      ),
    ]),
  ),
  sqrt: row(
    1,
    'float',
    (a) => Math.sqrt(a),
    (g, y) => [e('div', g, e('add', y, y))],
  ),
  less: compare((a, b) => Number(a < b)),
  lessEqual: compare((a, b) => Number(a <= b)),
  equal: { ...compare((a, b) => Number(a === b)), accepts: 'any' },
  and: row(
    2,
    'bits',
    (a, b) => a & b,
    () => none,
  ),
  or: row(
    2,
    'bits',
    (a, b) => a | b,
    () => none,
  ),
  xor: row(
    2,
    'bits',
    (a, b) => a ^ b,
    () => none,
  ),
  /** All bits flipped; of a bool, the other one. */
  not: row(
    1,
    'bits',
    (a) => ~a,
    () => [null],
  ),
  shl: row(
    2,
    'integer',
    (a, b) => a << b,
    () => none,
  ),
  shr: {
    ...row(
      2,
      'integer',
      (a, b) => a >> b,
      () => none,
    ),
    evalInteger: (unsigned, a = 0, b = 0) => (unsigned ? a >>> b : a >> b),
  },
  /** select(condition, then, otherwise): the condition is bool, the other two share a type. */
  select: {
    ...row(
      3,
      'any',
      (c, a, b) => (c ? a : b),
      (g, _y, x, c) => [null, e('select', at(x, 0), g, c(0)), e('select', at(x, 0), c(0), g)],
    ),
  },
};

function row(
  arity: 1 | 2 | 3,
  accepts: Accepts,
  evaluate: (a: number, b: number, c: number) => number,
  vjp: ScalarRule['vjp'],
): ScalarRule {
  return { arity, accepts, result: 'same', eval: evaluate as (...x: number[]) => number, vjp };
}

function costly(rule: ScalarRule): ScalarRule {
  return { ...rule, costly: true };
}

function compare(evaluate: (a: number, b: number) => number): ScalarRule {
  return { ...row(2, 'number', evaluate, () => none), result: 'bool' };
}

/** Of two arguments the second gets the cotangent where `second` holds, else (ties too) the first. */
function pick(second: Expr, g: Expr, zero: Expr): readonly Expr[] {
  return [e('select', second, zero, g), e('select', second, g, zero)];
}

/**
 * The error function to double precision: its Taylor series (Abramowitz & Stegun 7.1.6) up to |x| = 3, then one minus
 * Lentz's evaluation of the continued fraction of erfc (7.1.14).
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a <= 3) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      total += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
  }
  let fraction = a;
  for (let n = 60; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
}

const allowed: { readonly [A in Accepts]: (dtype: DType) => boolean } = {
  number: (d) => d !== 'bool',
  float: isFloat,
  integer: (d) => d === 'int32' || d === 'uint32',
  bits: (d) => d === 'int32' || d === 'uint32' || d === 'bool',
  any: () => true,
};

/** The type of an op's result, or null where the op does not take such arguments. */
export function scalarType(op: ScalarOp, args: readonly DType[]): DType | null {
  const rule = scalarOps[op];
  if (args.length !== rule.arity) return null;
  const operands = op === 'select' ? args.slice(1) : args;
  const dtype = operands[0] as DType;
  if (op === 'select' && args[0] !== 'bool') return null;
  if (operands.some((d) => d !== dtype) || !allowed[rule.accepts](dtype)) return null;
  return rule.result === 'bool' ? 'bool' : dtype;
}

/** The type of an expression, or null where its parts do not fit. */
export function exprType(
  x: Expr,
  args: readonly DType[],
  memo: Map<Expr, DType | null> = new Map(),
): DType | null {
  const known = memo.get(x);
  if (known !== undefined) return known;
  let out: DType | null;
  if (x.op === 'arg') out = args[x.index] ?? null;
  else if (x.op === 'const') out = x.dtype;
  else if (x.op === 'axis') out = 'int32';
  else {
    const types = x.args.map((a) => exprType(a, args, memo));
    if (types.includes(null)) out = null;
    else out = x.op === 'cast' ? x.dtype : scalarType(x.op, types as DType[]);
  }
  memo.set(x, out);
  return out;
}

/** One op on elements of `dtype`, the type of its (last) argument; the result is rounded or wrapped to its type. */
export function scalarFunction(
  op: ScalarOp,
  dtype: DType,
): (a: number, b: number, c: number) => number {
  const rule = scalarOps[op];
  if (rule.result === 'bool') return rule.eval;
  if (op === 'not' && dtype === 'bool') return (a) => (a ? 0 : 1);
  const round = coerce[dtype];
  const { evalInteger } = rule;
  if (evalInteger && !isFloat(dtype)) {
    const unsigned = dtype === 'uint32';
    return (a, b, c) => round(evalInteger(unsigned, a, b, c));
  }
  return (a, b, c) => round(rule.eval(a, b, c));
}

export const evalScalar = (op: ScalarOp, dtype: DType, args: readonly number[]): number =>
  scalarFunction(op, dtype)(...(args as [number, number, number]));

/** What an expression is evaluated at: values and types of its arguments, and the indices of its axes. */
export interface Point {
  readonly args: ArrayLike<number>;
  readonly types: readonly DType[];
  readonly index: ArrayLike<number>;
}

/** Evaluates an expression at one point, rounding after each op as its type demands. For many points: `evaluator`. */
export function evalExpr(x: Expr, point: Point): number {
  const memo = new Map<Expr, readonly [number, DType]>();
  const go = (n: Expr): readonly [number, DType] => {
    const known = memo.get(n);
    if (known) return known;
    const value = evalNode(n, point, go);
    memo.set(n, value);
    return value;
  };
  return go(x)[0];
}

function evalNode(
  n: Expr,
  point: Point,
  go: (n: Expr) => readonly [number, DType],
): readonly [number, DType] {
  if (n.op === 'arg') return [point.args[n.index] as number, point.types[n.index] as DType];
  if (n.op === 'const') return [coerce[n.dtype](n.value), n.dtype];
  if (n.op === 'axis') return [point.index[n.axis] as number, 'int32'];
  const parts = n.args.map(go);
  const values = parts.map(([v]) => v);
  const dtype = (parts.at(-1) as readonly [number, DType])[1];
  if (n.op === 'cast') return [castElement(values[0] as number, dtype, n.dtype), n.dtype];
  const result = scalarOps[n.op].result === 'bool' ? 'bool' : dtype;
  return [evalScalar(n.op, dtype, values), result];
}

/** Whether evaluating it once costs more than storing and loading its value. */
export const isCostly = (x: Expr): boolean =>
  exprOrder([x]).some((n) => 'args' in n && n.op !== 'cast' && scalarOps[n.op].costly === true);
