/** Losses, from logits where there are logits. Each is a mean over examples and says its formula and source. */
import {
  add,
  equal,
  exp,
  expandDims,
  fail,
  iota,
  less,
  lessEqual,
  log,
  logicalAnd,
  max,
  minimum,
  mul,
  neg,
  relu,
  softplus,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from '@ostinato/core';
import { alignTargets, counted, weightedMean } from './weighted-mean.ts';

/**
 * The negative log-likelihood of yes and no: `max(x, 0) - x t + log(1 + exp(-|x|))`, which no logit overflows.
 * PyTorch's `binary_cross_entropy_with_logits`, Keras' `BinaryCrossentropy(from_logits=True)`.
 *
 * @param logits [B], [B, 1] or any shape
 * @param targets the same shape, or without the last axis of size 1; 0 to 1, of any element type
 * @param weights [B] or more leading axes; absent: all 1
 * @returns a scalar, sum(w l) / sum(w)
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor, weights?: Tensor): Tensor {
  const [x, t] = countedPair('binaryCrossEntropy', logits, targets, weights);
  // -|x|; of a tie min has the slope of the first, so that at 0 the tail has half a logit's slope, and relu none.
  const tail = softplus(minimum(x, neg(x)));
  return weightedMean(add(sub(relu(x), mul(x, t)), tail), weights);
}

/**
 * The negative log-likelihood of one class among many: `log(sum(exp(x))) - x[class]`, shifted by the largest logit.
 * PyTorch's `cross_entropy`, Keras' `SparseCategoricalCrossentropy(from_logits=True)`.
 *
 * @param logits [..., classes]
 * @param classes [...], int32 or uint32, from 0; one outside of the logits makes the loss NaN, unless it has no weight
 * @param weights [B] or more leading axes of `classes`; absent: all 1
 * @returns a scalar, sum(w l) / sum(w)
 */
export function crossEntropy(logits: Tensor, classes: Tensor, weights?: Tensor): Tensor {
  requireClasses('crossEntropy', logits, classes);
  const x = counted(logits, weights);
  const shifted = sub(x, stopGradient(max(x, { axes: -1, keepDims: true })));
  const hit = equal(spreadClasses(classes, x), iota(x.shape, -1, classes.dtype));
  // Selecting instead of gathering keeps the class, its logit and their gradient inside the softmax's own loops.
  const inside = logicalAnd(lessEqual(0, classes), less(classes, x.shape.at(-1) as number));
  const chosen = where(inside, sum(where(hit, shifted, 0), { axes: -1 }), Number.NaN); // [...]
  return weightedMean(sub(log(sum(exp(shifted), { axes: -1 })), chosen), weights);
}

const spreadClasses = (classes: Tensor, logits: Tensor): Tensor =>
  // [...] to [..., 1]; `equal` repeats it along the classes
  expandDims(classes, logits.rank - 1);

/**
 * `(output - target)^2`, PyTorch's `mse_loss`.
 *
 * @param outputs [B, ...]
 * @param targets the same shape, or without the last axis of size 1
 * @param weights [B] or more leading axes; absent: all 1
 * @returns a scalar, sum(w l) / sum(w) over all elements
 */
export function meanSquaredError(outputs: Tensor, targets: Tensor, weights?: Tensor): Tensor {
  const [y, t] = countedPair('meanSquaredError', outputs, targets, weights);
  const distance = sub(y, t);
  return weightedMean(mul(distance, distance), weights);
}

function countedPair(
  what: string,
  outputs: Tensor,
  targets: Tensor,
  weights: Tensor | undefined,
): readonly [outputs: Tensor, targets: Tensor] {
  const [y, t] = alignTargets(what, outputs, targets);
  return [counted(y, weights), counted(t, weights)];
}

/** Refuses classes that are not one whole number per row of logits. */
export function requireClasses(what: string, logits: Tensor, classes: Tensor): void {
  const whole = classes.dtype === 'int32' || classes.dtype === 'uint32';
  if (whole && logits.rank > 0 && `${logits.shape.slice(0, -1)}` === `${classes.shape}`) return;
  fail(
    'shape-mismatch',
    `${what}: logits [${logits.shape}] and classes ${classes.dtype}[${classes.shape}] do not fit. Give int32 classes with the shape of the logits without their last axis.`,
  );
}
