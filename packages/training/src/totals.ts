/** Means over the batches of an epoch, kept on the device and read once. Knows scalars only. */
import {
  abs,
  add,
  cast,
  div,
  equal,
  mul,
  rem,
  scalar,
  sum,
  type Tensor,
  where,
} from '@ostinato/core';
import type { Measure } from './weighted-mean.ts';

/** Scalars: the weight of all batches of a round and means over them. `batches` counts on, the others begin anew with each round. */
export interface Totals {
  readonly batches: Tensor; // int32
  readonly weight: Tensor;
  readonly loss: Tensor;
  readonly metrics: { readonly [name: string]: Tensor };
}

/** What is measured beside the loss, by name. */
export type Metrics = { readonly [name: string]: Measure };

/** A value for each metric, by its name. */
export type PerMetric<M, V = number> = { readonly [Name in keyof M]: V };

/** Means over a round. */
export interface Measured<M = Metrics> {
  readonly loss: number;
  readonly metrics: PerMetric<M>;
}

export const noTotals = (metrics: Metrics): Totals => ({
  batches: scalar(0, 'int32'),
  weight: scalar(0),
  loss: scalar(0),
  metrics: Object.fromEntries(Object.keys(metrics).map((name) => [name, scalar(0)])),
});

/**
 * Adds a batch: each mean moves towards the batch's, by the batch's part of the weight. Sums instead would lose digits as
 * they grow (0.2 % after 200,000 batches). The first batch of each round begins anew, so that no host value has to say when
 * an epoch begins.
 */
export function addTotals(
  totals: Totals,
  batch: { loss: Tensor; metrics: { readonly [name: string]: Tensor }; weights: Tensor },
  batchesPerRound: number,
): Totals {
  const weights = cast(batch.weights, 'float32'); // for sums take no bool
  const weight = sum(weights); // []
  const isFirst = equal(rem(totals.batches, batchesPerRound), 0); // []
  const kept = (t: Tensor): Tensor => where(isFirst, 0, t);
  const all = add(kept(totals.weight), weight); // []
  // A mean over weights that cancel out is their sum, as `weightedMean` has it.
  const divisor = (w: Tensor): Tensor => where(equal(w, 0), 1, w);
  const part = (w: Tensor): Tensor => div(divisor(w), divisor(all)); // []
  const [before, now] = [kept(part(totals.weight)), part(weight)]; // []
  // A batch without weight adds nothing, whatever its mean is.
  const isEmpty = equal(sum(abs(weights)), 0); // []
  const plus = (t: Tensor, mean: Tensor): Tensor =>
    where(isEmpty, kept(t), add(mul(kept(t), before), mul(cast(mean, 'float32'), now)));
  return {
    batches: add(totals.batches, 1),
    weight: all,
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
  const of = (x: number | undefined): number => (weight === 0 ? Number.NaN : (x as number));
  return {
    loss: of(loss),
    metrics: Object.fromEntries(names.map((n, i) => [n, of(values[i])])),
  };
}
