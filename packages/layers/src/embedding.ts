/** Words, or other things with a number, as vectors. */
import type { Layer } from '@ostinato/cells';
import { checkOptions, gather, type Tensor, uniform } from '@ostinato/core';
import { checkParameters, checkSizes } from './check.ts';

export interface EmbeddingOptions {
  /** How many words there are: ids run from 0 to words - 1. */
  readonly words: number;
  /** Size of each vector. */
  readonly units: number;
}

export interface EmbeddingParams {
  /** [words, units] */
  readonly table: Tensor;
}

/**
 * Ids, int32 [batch, time] or any shape, to [batch, time, units]. The gradients of a word that occurs several times
 * add up. The table starts uniform in +-0.05, as in Keras.
 */
export function embedding(options: EmbeddingOptions): Layer<EmbeddingParams> {
  checkOptions('embedding', options, 'words, units');
  const { words, units } = options;
  checkSizes('embedding', { words, units });
  return {
    label: 'embedding',
    init: (key) => ({ table: uniform(key, [words, units], { low: -0.05, high: 0.05 }) }),
    apply(params, ids) {
      checkParameters('embedding', params, { table: [words, units] });
      return gather(params.table, ids);
    },
  };
}
