/** Sums over the batches of an epoch, kept on the device and read once. Knows scalars only. */
import {
  add,
  cast,
  equal,
  greater,
  mul,
  rem,
  scalar,
  sum,
  type Tensor,
  where,
} from '@ostinato/core';
import type { Measure } from './weighted-mean.ts';

/** Scalars. `batches` counts on, the others begin anew with each round of batches. */
export interface Totals {
  readonly batches: Tensor; // int32
  readonly weight: Tensor;
  readonly loss: Tensor;
  readonly metrics: { readonly [name: string]: Tensor };
}

export type Metrics = { readonly [name: string]: Measure };

/** Means over a round. */
export interface Measured {
  readonly loss: number;
  readonly metrics: { readonly [name: string]: number };
}

export const noTotals = (metrics: Metrics): Totals => ({
  batches: scalar(0, 'int32'),
  weight: scalar(0),
  loss: scalar(0),
  metrics: Object.fromEntries(Object.keys(metrics).map((name) => [name, scalar(0)])),
});

/**
 * Adds a batch: its means, each times the batch's weight. The first batch of each round replaces the sums, so that no
 * host value has to say when an epoch begins.
 */
export function addTotals(
  totals: Totals,
  batch: { loss: Tensor; metrics: { readonly [name: string]: Tensor }; weights: Tensor },
  batchesPerRound: number,
): Totals {
  const weight = cast(sum(batch.weights), 'float32'); // []
  const isFirst = equal(rem(totals.batches, batchesPerRound), 0); // []
  const kept = (t: Tensor): Tensor => where(isFirst, 0, t);
  // A batch without weight adds nothing, whatever its mean is.
  const plus = (t: Tensor, mean: Tensor): Tensor =>
    add(kept(t), where(greater(weight, 0), mul(cast(mean, 'float32'), weight), 0));
  return {
    batches: add(totals.batches, 1),
    weight: add(kept(totals.weight), weight),
    loss: plus(totals.loss, batch.loss),
    metrics: Object.fromEntries(
      Object.entries(totals.metrics).map(([name, t]) => [
        name,
        plus(t, batch.metrics[name] as Tensor),
      ]),
    ),
  };
}

/** The means so far. One read per number, so once per epoch. */
export async function readTotals(totals: Totals): Promise<Measured> {
  const names = Object.keys(totals.metrics).sort();
  const [weight, loss, ...values] = await Promise.all(
    [totals.weight, totals.loss, ...names.map((n) => totals.metrics[n] as Tensor)].map((t) =>
      t.item(),
    ),
  );
  // NaN where no example has a weight: such a validation finds no best epoch.
  const over = (x: number | undefined): number => (x as number) / (weight as number);
  return {
    loss: over(loss),
    metrics: Object.fromEntries(names.map((n, i) => [n, over(values[i])])),
  };
}
