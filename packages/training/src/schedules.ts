/** Learning rates that change with the step, as functions for an optimiser's `learningRate`. Knows no optimiser. */
import {
  add,
  checkOptions,
  cos,
  fail,
  minimum,
  mul,
  pow,
  shown,
  sub,
  type Tensor,
} from '@ostinato/core';
import { checkRate, type LearningRate, rateAt } from './optimizers.ts';
import { requireWhole } from './require.ts';

/** What the schedules here make: the step is a float32 scalar, from 1. */
export type Schedule = (step: Tensor) => Tensor;

/**
 * `rate * min(step / steps, 1)`: grows from rate / steps to all of it, and then follows `rate`, which may be a schedule
 * of its own (Goyal et al., arXiv 1706.02677).
 */
export function linearWarmup(rate: LearningRate, steps: number): Schedule {
  checkRate(rate);
  requireWhole('linearWarmup: steps', steps);
  return (step) => mul(rateAt(rate, step), minimum(mul(step, 1 / steps), 1));
}

/**
 * Half a cosine from `rate` at the first step to `least` after `steps` of them, and `least` from there on: Loshchilov and
 * Hutter, ICLR 2017, without restarts. PyTorch's CosineAnnealingLR, moved on after each step.
 */
export function cosineDecay(
  rate: number,
  options: { steps: number; least?: number | undefined },
): Schedule {
  checkOptions('cosineDecay', options, 'steps, least');
  const { steps, least = 0 } = options;
  requireRate('cosineDecay: rate', rate);
  requireRate('cosineDecay: least', least);
  requireWhole('cosineDecay: steps', steps);
  return (step) => {
    const done = minimum(mul(sub(step, 1), 1 / steps), 1); // []
    return add(mul(add(cos(mul(done, Math.PI)), 1), (rate - least) / 2), least);
  };
}

/** `rate * factor^((step - 1) / steps)`: all of `rate` first, then times `factor` in every `steps` steps. Keras' ExponentialDecay. */
export function exponentialDecay(
  rate: number,
  options: { steps: number; factor: number },
): Schedule {
  checkOptions('exponentialDecay', options, 'steps, factor');
  const { steps, factor } = options;
  requireRate('exponentialDecay: rate', rate);
  requireWhole('exponentialDecay: steps', steps);
  const held = Math.fround(factor); // the power of a 0 or an infinity would be the rate from the second step on
  if (!(typeof factor === 'number' && held > 0 && Number.isFinite(held)))
    fail(
      'option-invalid',
      `exponentialDecay: factor is ${shown(factor)}. Give a number above 0 that float32 holds.`,
    );
  return (step) => mul(pow(factor, mul(sub(step, 1), 1 / steps)), rate);
}

/** A schedule would pass as a learning rate, and give NaN in a formula of numbers. */
function requireRate(what: string, rate: number): void {
  if (typeof rate !== 'number')
    fail(
      'option-invalid',
      `${what} is a ${typeof rate}. Give a number; of the schedules, only linearWarmup takes another one.`,
    );
  checkRate(rate);
}
