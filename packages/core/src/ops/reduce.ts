/** Reductions over axes and what is built from them. */
import { checkOptions, fail } from '../errors.ts';
import { describe, Tensor } from '../graph/tensor.ts';
import type { Combine } from '../ir/program.ts';
import {
  abs,
  add,
  assertFloat,
  cast,
  div,
  equal,
  exp,
  full,
  greater,
  iota,
  less,
  log,
  logicalNot,
  logicalOr,
  mul,
  sizeScalar,
  stopGradient,
  sub,
  where,
} from './elementwise.ts';
import { broadcastTo, normalAxes, normalAxis, reshape } from './views.ts';

export interface ReduceOptions {
  /** Which axes go; all, if none are named. Negative ones count from the last. */
  readonly axes?: number | readonly number[] | undefined;
  /** Keep reduced axes as size 1. */
  readonly keepDims?: boolean | undefined;
}

export function reduce(combine: Combine, x: Tensor, axes: readonly number[]): Tensor {
  if (x.dtype === 'bool')
    fail(
      'dtype-mismatch',
      `${combine}: cannot reduce ${describe(x)}. Cast it to int32 or float32 first.`,
    );
  if (axes.length === 0) return x;
  const shape = x.shape.filter((_, i) => !axes.includes(i));
  return new Tensor({ kind: 'reduce', combine, axes }, shape, x.dtype, [x]);
}

const keep = (x: Tensor, y: Tensor, axes: readonly number[]): Tensor =>
  reshape(
    y,
    x.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
  );

/** The axes that go, of options that were checked. */
function axesOf(what: string, x: Tensor, options: ReduceOptions): number[] {
  checkOptions(what, options, 'axes, keepDims');
  return normalAxes(what, options.axes, x.rank);
}

const reduction =
  (combine: Combine) =>
  (x: Tensor, options: ReduceOptions = {}): Tensor => {
    const axes = axesOf(combine, x, options);
    const y = reduce(combine, x, axes);
    return options.keepDims ? keep(x, y, axes) : y;
  };

type Reduction = (x: Tensor, options?: ReduceOptions) => Tensor;
export const sum: Reduction = reduction('sum');
/** The largest element; the first of equal ones gets the gradient. NaN wins. */
export const max: Reduction = reduction('max');
/** The smallest element; the first of equal ones gets the gradient. NaN wins. */
export const min: Reduction = reduction('min');

/** Of floats. */
export const mean: Reduction = (x, options = {}) => {
  assertFloat('mean', x);
  const axes = axesOf('mean', x, options);
  const count = axes.reduce((n, i) => n * (x.shape[i] as number), 1);
  return sum(mul(x, sizeOver(count, x)), options);
};

const sizeOver = (count: number, x: Tensor): Tensor => sizeScalar(1 / count, x.dtype);

/** Mean squared distance from the mean (divided by the count, not the count less one). */
export const variance: Reduction = (x, options = {}) => {
  const axes = axesOf('variance', x, options);
  const d = sub(x, mean(x, { axes, keepDims: true }));
  return mean(mul(d, d), options);
};

/** log(sum(exp(x))) without overflow; rows of all -Infinity give -Infinity, and no gradient. */
export const logSumExp: Reduction = (x, options = {}) => {
  assertFloat('logSumExp', x);
  const axes = axesOf('logSumExp', x, options);
  const top = stopGradient(max(x, { axes, keepDims: true }));
  // -Infinity - -Infinity is NaN: where everything is -Infinity, shift by 0 instead.
  const finite = less(abs(top), Number.POSITIVE_INFINITY);
  const shift = where(finite, top, 0);
  const total = sum(exp(sub(x, shift)), { axes, keepDims: true });
  // Only where everything is -Infinity is the sum 0; log(0) there would give NaN gradients.
  const empty = equal(total, 0);
  const y = where(empty, Number.NEGATIVE_INFINITY, add(log(where(empty, 1, total)), shift));
  return options.keepDims
    ? y
    : reshape(
        y,
        x.shape.filter((_, i) => !axes.includes(i)),
      );
};

/** exp(x) / sum(exp(x)) along an axis. A row of all -Infinity has no such weights: it gives NaN. */
export const softmax = (x: Tensor, axis = -1): Tensor => {
  assertFloat('softmax', x);
  const shifted = exp(sub(x, stopGradient(max(x, { axes: axis, keepDims: true }))));
  return div(shifted, sum(shifted, { axes: axis, keepDims: true }));
};

/** x - logSumExp(x) along an axis, without overflow. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => {
  assertFloat('logSoftmax', x);
  const shifted = sub(x, stopGradient(max(x, { axes: axis, keepDims: true })));
  return sub(shifted, log(sum(exp(shifted), { axes: axis, keepDims: true })));
};

const argBest =
  (what: string, combine: 'max' | 'min') =>
  (x: Tensor, axis = -1): Tensor => {
    const a = normalAxis(what, axis, x.rank);
    const n = x.shape[a] as number;
    const best = broadcastTo(keep(x, reduce(combine, x, [a]), [a]), x.shape);
    const notANumber = logicalNot(equal(x, x));
    const hit = x.dtype.startsWith('float')
      ? logicalOr(equal(x, best), notANumber)
      : equal(x, best);
    return reduce('min', where(hit, iota(x.shape, a), full([], n - 1, 'int32')), [a]);
  };

/** The index (int32) of the largest element along an axis; the first of equal ones, and the first NaN before all. */
export const argmax: (x: Tensor, axis?: number) => Tensor = argBest('argmax', 'max');
/** The index (int32) of the smallest element along an axis; the first of equal ones, and the first NaN before all. */
export const argmin: (x: Tensor, axis?: number) => Tensor = argBest('argmin', 'min');

/** Bools as 0 and 1; of numbers, all but 0 are true. */
const truth = (x: Tensor): Tensor => cast(cast(x, 'bool'), 'int32');
/** Whether any element is true. */
export const any: Reduction = (x, options = {}) => {
  axesOf('any', x, options);
  return greater(max(truth(x), options), 0);
};
/** Whether all elements are true. */
export const all: Reduction = (x, options = {}) => {
  axesOf('all', x, options);
  return greater(min(truth(x), options), 0);
};
