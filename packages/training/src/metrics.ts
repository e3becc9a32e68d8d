/** What people watch beside the loss. Not differentiable; of the same form as losses. */
import { argmax, cast, equal, greater, type Tensor } from '@ostinato/core';
import { requireClasses } from './losses.ts';
import { alignTargets, weightedMean } from './weighted-mean.ts';

/**
 * The share of examples whose logit is on the side of its target: above 0 for targets above 1/2.
 *
 * @param logits [B], [B, 1] or any shape
 * @param targets the same shape, or without the last axis of size 1
 * @param weights [B] or more leading axes; absent: all 1
 * @returns a float scalar from 0 to 1
 */
export function binaryAccuracy(logits: Tensor, targets: Tensor, weights?: Tensor): Tensor {
  const [x, t] = alignTargets('binaryAccuracy', logits, targets);
  return weightedMean(cast(equal(greater(x, 0), greater(t, 0.5)), x.dtype), weights);
}

/**
 * The share of examples whose largest logit is that of their class; of equal logits the first counts.
 *
 * @param logits [..., classes]
 * @param classes [...], int32 or uint32
 * @param weights [B] or more leading axes of `classes`; absent: all 1
 * @returns a float scalar from 0 to 1
 */
export function accuracy(logits: Tensor, classes: Tensor, weights?: Tensor): Tensor {
  requireClasses('accuracy', logits, classes);
  const hit = equal(cast(argmax(logits), classes.dtype), classes); // [...]
  return weightedMean(cast(hit, logits.dtype), weights);
}
