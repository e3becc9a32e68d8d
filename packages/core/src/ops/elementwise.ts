/** Elementwise maths: expressions of the scalar table, applied to tensors. Shapes align by NumPy's rule. */
import { fail, shown } from '../errors.ts';
import { checkedTensor, describe, Tensor } from '../graph/tensor.ts';
import { coerce, type DType, dtypes, isFloat, isInteger } from '../ir/dtype.ts';
import {
  apply,
  arg,
  axisIndex,
  cast as castExpr,
  constant,
  type Expr,
  type ScalarOp,
} from '../ir/expr.ts';
import { exprType } from '../ir/scalar.ts';
import { type Shape, sameShape } from '../ir/view.ts';
import { broadcastTo, checkShape, concat, normalAxis } from './views.ts';

/** A number stands for a scalar of the other argument's type. */
export type Operand = Tensor | number;

/** One node that evaluates `body` at each element. The arguments must have equal shapes. */
export function map(body: Expr, args: readonly Tensor[], shape?: Shape, label?: string): Tensor {
  const full = shape ?? (args[0] as Tensor).shape;
  for (const a of args)
    if (!sameShape(a.shape, full))
      fail(
        'shape-mismatch',
        `map: ${args.map(describe).join(' and ')} differ in shape. Use broadcastTo first.`,
      );
  const dtype = exprType(
    body,
    args.map((a) => a.dtype),
  );
  if (!dtype) {
    const what = 'args' in body ? body.op : 'map';
    return fail(
      'dtype-mismatch',
      `${what}: does not take ${args.map(describe).join(' and ')}. There is no implicit promotion: use cast.`,
    );
  }
  return new Tensor({ kind: 'map', body }, full, dtype, args, label);
}

/** The shape that two shapes broadcast to. */
function broadcastShape(what: string, a: Tensor, b: Tensor): Shape {
  const rank = Math.max(a.rank, b.rank);
  return Array.from({ length: rank }, (_, i) => {
    const n = a.shape[i - rank + a.rank] ?? 1;
    const m = b.shape[i - rank + b.rank] ?? 1;
    if (n !== m && n !== 1 && m !== 1)
      fail(
        'not-broadcastable',
        `${what}: ${describe(a)} and ${describe(b)} do not fit together. Each axis, counted from the last, must be equal or 1.`,
      );
    return Math.max(n, m);
  });
}

const operand = (what: string, x: Operand, dtype?: DType): Tensor =>
  typeof x === 'number' ? scalar(x, dtype) : checkedTensor(what, x);

function align(what: string, a: Operand, b: Operand): [Tensor, Tensor] {
  const x = operand(what, a, (b as Partial<Tensor> | undefined)?.dtype); // of two numbers scalar's own type
  const y = operand(what, b, x.dtype);
  const shape = broadcastShape(what, x, y);
  return [broadcastTo(x, shape), broadcastTo(y, shape)];
}

type Unary = (x: Operand) => Tensor;
type Binary = (a: Operand, b: Operand) => Tensor;

const unary =
  (op: ScalarOp): Unary =>
  (x) =>
    map(apply(op, arg(0)), [operand(op, x)]);

const binary =
  (op: ScalarOp): Binary =>
  (a, b) =>
    map(apply(op, arg(0), arg(1)), align(op, a, b));

export const add: Binary = binary('add');
export const sub: Binary = binary('sub');
export const mul: Binary = binary('mul');
/** Whole numbers are divided towards zero. */
export const div: Binary = binary('div');
/** The remainder with the sign of the dividend. */
export const rem: Binary = binary('rem');
/** The first to the power of the second; floats only. */
export const pow: Binary = binary('pow');
/** The smaller element; of equal ones the first gets the gradient. NaN wins. */
export const minimum: Binary = binary('min');
/** The larger element; of equal ones the first gets the gradient. NaN wins. */
export const maximum: Binary = binary('max');
export const neg: Unary = unary('neg');
export const abs: Unary = unary('abs');
/** -1, 0 or 1, in the type of the argument. */
export const sign: Unary = unary('sign');
export const floor: Unary = unary('floor');
export const exp: Unary = unary('exp');
export const log: Unary = unary('log');
export const sin: Unary = unary('sin');
export const cos: Unary = unary('cos');
export const tanh: Unary = unary('tanh');
/** The logistic function 1 / (1 + exp(-x)). */
export const sigmoid: Unary = unary('sigmoid');
/** The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf: Unary = unary('erf');
export const sqrt: Unary = unary('sqrt');
/** Whether the first is less, as bool. */
export const less: Binary = binary('less');
export const lessEqual: Binary = binary('lessEqual');
export const equal: Binary = binary('equal');
export const greater: Binary = (a, b) => less(b, a);
export const greaterEqual: Binary = (a, b) => lessEqual(b, a);
/** Of bools; of int32 and uint32 bit by bit. */
export const logicalAnd: Binary = binary('and');
/** Of bools; of int32 and uint32 bit by bit. */
export const logicalOr: Binary = binary('or');
/** Of bools; of int32 and uint32 bit by bit. */
export const logicalXor: Binary = binary('xor');
/** The other bool; all bits flipped of int32 and uint32. */
export const logicalNot: Unary = unary('not');
/** Of int32 and uint32. */
export const shiftLeft: Binary = binary('shl');
/** Arithmetic on int32, logical on uint32. */
export const shiftRight: Binary = binary('shr');
export const square = (x: Tensor): Tensor => mul(x, x);
/** max(0, x). The zero comes first: it gets the gradient of a tie, so that the slope at 0 is 0 as in PyTorch and Keras. */
export const relu = (x: Tensor): Tensor => maximum(0, x);
/** log(1 + exp(x)) without overflow, and right relative to itself where it is small (Keras and PyTorch: softplus). */
export function softplus(x: Tensor): Tensor {
  // min(x, -x) is -|x|, but of the tie at 0 the first has the slope: 1/2 there, as it should be.
  const small = exp(minimum(x, neg(x)));
  const one = add(1, small);
  // By what rounding 1 + small went wrong, times the logarithm's slope there (Kahan's log1p).
  const rounded = div(sub(sub(one, 1), small), one);
  return add(relu(x), sub(log(one), rounded));
}
/** Keeps x within [low, high]. */
export const clip = (x: Tensor, low: number, high: number): Tensor =>
  minimum(maximum(x, low), high);

/** `condition ? a : b`, elementwise; all three broadcast together. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  if (condition.dtype !== 'bool')
    fail(
      'dtype-mismatch',
      `where: the condition is ${describe(condition)}. Make it bool by a comparison or cast.`,
    );
  const [x, y] = align('where', a, b);
  const shape = broadcastShape('where', condition, x);
  return map(apply('select', arg(0), arg(1), arg(2)), [
    broadcastTo(condition, shape),
    broadcastTo(x, shape),
    broadcastTo(y, shape),
  ]);
}

/**
 * Converts the elements. Floats to integers truncate and saturate (NaN gives 0), integers wrap, non-zero is true.
 * Gradients flow only between float types.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkType('cast', dtype);
  return x.dtype === dtype ? x : map(castExpr(dtype, arg(0)), [x]);
}

/** What a caller says may be any text, or a record of options. */
export function checkType(what: string, dtype: DType): void {
  if (!dtypes.includes(dtype))
    fail(
      'dtype-mismatch',
      `${what}: there is no dtype ${shown(dtype)}. Use one of ${dtypes.join(', ')}.`,
    );
}

/** A scalar constant; float32 unless told. */
export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  checkType('scalar', dtype);
  const element = isFloat(dtype) ? value : coerce[dtype](value);
  if (isInteger(dtype) && element !== value)
    fail(
      'dtype-mismatch',
      `scalar: ${value} is no ${dtype}. Give one, or cast the other to float32.`,
    );
  return new Tensor({ kind: 'map', body: constant(element, dtype) }, [], dtype, []);
}

/** A scalar constant that was computed from a shape. */
export const sizeScalar = (value: number, dtype: DType = 'float32'): Tensor =>
  new Tensor({ kind: 'map', body: { op: 'const', dtype, value, fromSize: true } }, [], dtype, []);

/** A tensor of one value. */
export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  checkShape('full', shape);
  return broadcastTo(scalar(value, dtype), shape);
}

export const zeros = (shape: Shape, dtype?: DType): Tensor => full(shape, 0, dtype);
export const ones = (shape: Shape, dtype?: DType): Tensor => full(shape, 1, dtype);
export const zerosLike = (x: Tensor): Tensor => full(x.shape, 0, x.dtype);
export const onesLike = (x: Tensor): Tensor => full(x.shape, 1, x.dtype);

/** Each element's index along `axis`, as int32 or the type asked for. */
export function iota(shape: Shape, axis = 0, dtype: DType = 'int32'): Tensor {
  checkShape('iota', shape);
  const index = axisIndex(normalAxis('iota', axis, shape.length));
  return map(dtype === 'int32' ? index : castExpr(dtype, index), [], shape);
}

/** 0, 1, ..., n - 1. */
export const range = (n: number, dtype?: DType): Tensor => iota([n], 0, dtype);

/** [n, ...] ids to [n, ..., classes] with 1 at the id and 0 elsewhere; an id that is no class gives zeros. */
export function oneHot(ids: Tensor, classes: number, dtype: DType = 'float32'): Tensor {
  const shape = [...ids.shape, classes];
  // Floats are compared as they are: cast, NaN and -0.5 would be class 0.
  const own = ids.dtype === 'bool' ? cast(ids, 'int32') : ids;
  const spread = broadcastTo(expandLast(own), shape);
  return cast(equal(spread, iota(shape, shape.length - 1, own.dtype)), dtype);
}

const expandLast = (x: Tensor): Tensor =>
  new Tensor({ kind: 'reshape' }, [...x.shape, 1], x.dtype, [x]);

/** Adds `before` and `after` elements of `value` at the ends of each axis. */
export function pad(
  x: Tensor,
  widths: readonly (readonly [before: number, after: number])[],
  value = 0,
): Tensor {
  if (widths.length !== x.rank || widths.flat().some((n) => !Number.isInteger(n) || n < 0))
    fail(
      'shape-mismatch',
      `pad: needs one [before, after] of whole numbers per axis of ${describe(x)}, got ${JSON.stringify(widths)}.`,
    );
  return widths.reduce((y, [before, after], axis) => {
    const block = (n: number): Tensor[] =>
      n > 0
        ? [
            full(
              y.shape.map((m, i) => (i === axis ? n : m)),
              value,
              y.dtype,
            ),
          ]
        : [];
    return concat([...block(before), y, ...block(after)], axis);
  }, x);
}

/** Passes the value, stops the gradient. */
export const stopGradient = (x: Tensor): Tensor =>
  new Tensor({ kind: 'identity', stopsGradient: true }, x.shape, x.dtype, [x]);

export const assertFloat = (what: string, x: Tensor): void => {
  if (!isFloat(x.dtype))
    fail('dtype-mismatch', `${what}: needs floats, got ${describe(x)}. Use cast(x, 'float32').`);
};
