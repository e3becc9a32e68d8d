/** Random zeros in training. */
import { checkHow, type Layer } from '@ostinato/cells';
import { bernoulli, checkOptions, fail, mul, shown, where } from '@ostinato/core';

export interface DropoutOptions {
  /** Which part of the elements becomes zero, from 0 up to but without 1. */
  readonly rate: number;
}

/**
 * Inverted dropout (Srivastava et al. 2014): in training each element is zero with probability `rate`, or else scaled
 * by 1 / (1 - rate); otherwise nothing happens. Needs `how.key` in training, a fresh one for each step.
 */
export function dropout(options: DropoutOptions): Layer<null> {
  checkOptions('dropout', options, 'rate');
  const { rate } = options;
  if (!(typeof rate === 'number' && rate >= 0 && rate < 1))
    fail(
      'option-invalid',
      `dropout: rate is ${shown(rate)}. Give a number from 0 up to but without 1.`,
    );
  return {
    label: 'dropout',
    init: () => null,
    apply(_, x, how = {}) {
      checkHow('dropout', how); // a misspelt `training` would leave everything as it is
      const { key, training = false } = how;
      if (!training || rate === 0) return x;
      if (!key)
        return fail(
          'key-invalid',
          'dropout: draws random zeros in training, but how.key is missing. Give apply a fresh key for each step of training.',
        );
      return where(bernoulli(key, 1 - rate, x.shape), mul(x, 1 / (1 - rate)), 0);
    },
  };
}
