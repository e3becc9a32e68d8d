/** Which examples train and which validate. Knows counts only, no data. */
import { DatasetError, requireCount } from './errors.ts';

export interface TrainValidationSplit {
  /** The first examples, in order. */
  readonly train: Uint32Array;
  /** The last ones, in order. */
  readonly validation: Uint32Array;
}

/**
 * Keras' `validation_split`: the last part of the data as given, before any shuffling. The border is
 * floor(count (1 - fraction)) in float64, as in keras/src/trainers/data_adapters/array_slicing.py.
 *
 * @param count examples in all
 * @param fraction of them to validate with, in (0, 1)
 * @returns indices below and from the border
 * @throws DatasetError `argument-invalid`: a fraction outside of (0, 1), or one that leaves a part empty
 */
export function trainValidationSplit(count: number, fraction: number): TrainValidationSplit {
  requireCount('trainValidationSplit: count', count);
  const border = Math.floor(count * (1 - fraction));
  if (!(fraction > 0 && fraction < 1 && border > 0 && border < count)) {
    throw new DatasetError(
      'argument-invalid',
      `trainValidationSplit: fraction ${fraction} of ${count} examples leaves ${border} to train with. Choose a fraction between 0 and 1 that leaves at least one example on each side.`,
    );
  }
  const indices = Uint32Array.from({ length: count }, (_, i) => i);
  return { train: indices.subarray(0, border), validation: indices.subarray(border) };
}
