/**
 * The scalar table: one row per op with its types and its meaning. Everything elementwise is derived from here; a new op
 * is a row here and one in autograd/derivatives.ts, which the compiler asks for.
 */
import { castElement, coerce, type DType, isFloat } from './dtype.ts';
import { type Expr, exprOrder, type ScalarOp } from './expr.ts';

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
}

export const scalarOps: { readonly [Op in ScalarOp]: ScalarRule } = {
  add: row('number', (a, b) => a + b),
  sub: row('number', (a, b) => a - b),
  mul: {
    ...row('number', (a, b) => a * b),
    evalInteger: (_unsigned, a = 0, b = 0) => Math.imul(a, b),
  },
  div: row('number', (a, b) => a / b),
  /** The remainder with the sign of the dividend, as in JavaScript, C and WGSL. */
  rem: row('number', (a, b) => a % b),
  pow: costly((a, b) => a ** b),
  min: row('number', (a, b) => Math.min(a, b)),
  max: row('number', (a, b) => Math.max(a, b)),
  neg: row('number', (a) => -a),
  abs: row('number', Math.abs),
  sign: row('number', Math.sign),
  floor: row('float', Math.floor),
  exp: costly(Math.exp),
  log: costly(Math.log),
  sin: costly(Math.sin),
  cos: costly(Math.cos),
  tanh: costly(Math.tanh),
  sigmoid: costly((a) => 1 / (1 + Math.exp(-a))),
  erf: costly(erf),
  sqrt: row('float', Math.sqrt),
  less: compare((a, b) => a < b),
  lessEqual: compare((a, b) => a <= b),
  equal: { ...compare((a, b) => a === b), accepts: 'any' },
  and: row('bits', (a, b) => a & b),
  or: row('bits', (a, b) => a | b),
  xor: row('bits', (a, b) => a ^ b),
  /** All bits flipped; of a bool, the other one. */
  not: row('bits', (a) => ~a),
  shl: row('integer', (a, b) => a << b),
  shr: {
    ...row('integer', (a, b) => a >> b),
    evalInteger: (unsigned, a = 0, b = 0) => (unsigned ? a >>> b : a >> b),
  },
  /** select(condition, then, otherwise): the condition is bool, the other two share a type. */
  select: row('any', (c, a, b) => (c ? a : b)),
};

/** The op's arity is the function's. */
function row(accepts: Accepts, evaluate: (a: number, b: number, c: number) => number): ScalarRule {
  return { arity: evaluate.length, accepts, result: 'same', eval: evaluate as ScalarRule['eval'] };
}

function costly(evaluate: (a: number, b: number) => number): ScalarRule {
  return { ...row('float', evaluate), costly: true };
}

function compare(holds: (a: number, b: number) => boolean): ScalarRule {
  return { ...row('number', (a, b) => Number(holds(a, b))), result: 'bool' };
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
  if (x.op === 'arg') return args[x.index] ?? null;
  if (x.op === 'const') return x.dtype;
  if (x.op === 'axis') return 'int32';
  let out = memo.get(x);
  if (out !== undefined) return out;
  const types = x.args.map((a) => exprType(a, args, memo));
  if (types.includes(null)) out = null;
  else out = x.op === 'cast' ? x.dtype : scalarType(x.op, types as DType[]);
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
