/** How a loss or metric becomes one number: the mean over examples, each with its weight. Knows no loss. */
import {
  broadcastTo,
  cast,
  dependsOn,
  div,
  equal,
  fail,
  mean,
  mul,
  reshape,
  sum,
  Tensor,
  where,
} from '@ostinato/core';

/** Losses and metrics have this form, so that `fit` can take any of them. The result is a scalar. */
export type Measure = (outputs: Tensor, targets: Tensor, weights?: Tensor) => Tensor;

/**
 * Loss and metrics where rows do not all count alike. One that leaves its weights out, and with them which rows only fill up
 * a short batch, is refused when it is traced.
 */
export function weighing<M extends Readonly<Record<string, Measure>>>(
  loss: Measure,
  metrics: M,
): { readonly loss: Measure; readonly metrics: M } {
  const named = Object.entries(metrics).map(([name, f]) => [name, checked(`metric "${name}"`, f)]);
  return { loss: checked('loss', loss), metrics: Object.fromEntries(named) };
}

const checked =
  (what: string, measure: Measure): Measure =>
  (outputs, targets, weights) => {
    const value = measure(outputs, targets, weights);
    if (value instanceof Tensor && weights && !dependsOn(value, weights))
      fail(
        'option-invalid',
        `${what}: does not use its third argument, weights, but rows count differently: some have weights, or fill up the last batch. Return weightedMean(values, weights), or give a batch size that divides the rows and no weights.`,
      );
    return value;
  };

/**
 * sum(weights * values) / sum(weights), and 0 where no example has a weight. Without weights: the mean. Weights below zero
 * count as any others do; where they cancel out, the sum is not divided.
 *
 * @param values [B, ...], one float per example and step
 * @param weights [B] or more leading axes of `values`; each counts for all that it covers
 * @returns a scalar
 */
export function weightedMean(values: Tensor, weights?: Tensor): Tensor {
  if (weights === undefined) return mean(values);
  // As `mean` does: in whole numbers, weights would lose their fractions, and so would the quotient.
  if (values.dtype !== 'float32' && values.dtype !== 'float64')
    fail(
      'dtype-mismatch',
      `weightedMean: needs floats, got ${values.dtype}[${values.shape}]. Use cast(x, 'float32').`,
    );
  const w = spread(cast(weights, values.dtype), values); // like values
  const total = sum(w);
  // A row of weight zero may hold anything: selected away, not multiplied, so that a NaN there stays out of the value.
  return div(sum(counted(mul(w, values), w)), where(equal(total, 0), 1, total));
}

/**
 * Zeros where an example has no weight. A loss puts it before its formula: behind it a NaN would stay out of the value, but
 * not out of gradients, for zero times the slope at a NaN is NaN.
 */
export function counted(values: Tensor, weights?: Tensor): Tensor {
  if (weights === undefined) return values;
  const w = spread(weights, values);
  return w.dtype === 'bool' ? where(w, values, 0) : where(equal(w, 0), 0, values);
}

function spread(weights: Tensor, values: Tensor): Tensor {
  const lead = values.shape.slice(0, weights.rank);
  if (`${lead}` !== `${weights.shape}`)
    fail(
      'shape-mismatch',
      `weights: shape [${weights.shape}] does not begin the shape [${values.shape}] of what they weigh. Give one weight per example ([B]) or per step ([B, T]).`,
    );
  const ones = values.shape.slice(weights.rank).map(() => 1);
  return broadcastTo(reshape(weights, [...weights.shape, ...ones]), values.shape);
}

/**
 * Outputs and targets of one shape: an axis of size 1 at the end of either is dropped, as a layer of one unit gives
 * [B, 1] for targets [B].
 */
export function alignTargets(
  what: string,
  outputs: Tensor,
  targets: Tensor,
): readonly [outputs: Tensor, targets: Tensor] {
  const wanted = `${outputs.shape}`;
  const t = cast(targets, outputs.dtype);
  if (wanted === `${t.shape}`) return [outputs, t];
  if (wanted === `${[...t.shape, 1]}`) return [reshape(outputs, t.shape), t];
  if (`${[...outputs.shape, 1]}` === `${t.shape}`) return [outputs, reshape(t, outputs.shape)];
  fail(
    'shape-mismatch',
    `${what}: outputs [${outputs.shape}] and targets [${t.shape}] differ. Give targets the shape of the outputs; a last axis of size 1 may be missing.`,
  );
}
