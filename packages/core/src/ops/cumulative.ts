/** Running totals along an axis: a scan, so that exact for integers, and no later NaN reaches an earlier element. */
import { checkOptions, fail } from '../errors.ts';
import { describe, type Tensor } from '../graph/tensor.ts';
import { add, zeros } from './elementwise.ts';
import { scan } from './scan.ts';
import { normalAxis, transpose } from './views.ts';

export interface CumulativeOptions {
  /** Total from the last element to the first. */
  readonly reverse?: boolean | undefined;
  /** Leave each element out of its own total: the first is 0. */
  readonly exclusive?: boolean | undefined;
}

/** The sum of all elements up to each one along an axis; the last axis unless told. */
export function cumsum(x: Tensor, axis = -1, options: CumulativeOptions = {}): Tensor {
  checkOptions('cumsum', options, 'reverse, exclusive');
  if (x.dtype === 'bool')
    fail('dtype-mismatch', `cumsum: cannot add ${describe(x)}. Cast it to int32 or float32 first.`);
  const a = normalAxis('cumsum', axis, x.rank);
  const { reverse = false, exclusive = false } = options;
  // The axis changes places with the first, here and back.
  const swap = x.shape.map((_, i) => (i === 0 ? a : i === a ? 0 : i));
  const lines = transpose(x, swap); // [n, ...]
  const [, totals] = scan(
    (before: Tensor, element: Tensor) => {
      const after = add(before, element);
      return [after, exclusive ? before : after];
    },
    zeros(lines.shape.slice(1), x.dtype),
    lines,
    { reverse, label: 'cumsum' },
  );
  return transpose(totals, swap);
}
