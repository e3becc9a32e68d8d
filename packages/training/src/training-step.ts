/** One step of training as a pure function on trees. Knows model, loss and optimiser; knows no backend and no epoch. */
import {
  cast,
  checkOptions,
  fail,
  foldKey,
  type Key,
  Tensor,
  valueAndGradAux,
} from '@ostinato/core';
import { clipByGlobalNorm, clipByNorm, clipByValue } from './clipping.ts';
import type { Batch } from './data.ts';
import type { Model, ModelHow } from './model.ts';
import type { Optimizer } from './optimizers.ts';
import { requireModel, requireWhole } from './require.ts';
import { addTotals, type Metrics, noTotals, type PerMetric, type Totals } from './totals.ts';
import type { Measure } from './weighted-mean.ts';

/** Bounds for the gradients: their global norm, the norm of each tensor, or each element. */
export type Clip =
  | { readonly norm: number }
  | { readonly tensorNorm: number }
  | { readonly value: number };

export interface StepOptions<M extends Metrics = Metrics> {
  readonly loss: Measure;
  readonly metrics?: M | undefined;
  readonly optimizer: Optimizer;
  readonly clip?: Clip | undefined;
}

/** All that changes from step to step. The number of the step is `totals.batches`. */
export interface TrainingState<P> {
  readonly params: P;
  readonly optimizer: unknown;
  readonly totals: Totals;
}

export interface StepReport<M = Metrics> {
  /** Of this batch, before the update; []. */
  readonly loss: Tensor;
  /** Of all gradients before clipping, where they are clipped by it; []. */
  readonly gradientNorm: Tensor | null;
  /** Of this batch, before the update; [] each. */
  readonly metrics: PerMetric<M, Tensor>;
}

/** The state before the first step, to be evaluated with `run`. */
export function trainingState<P>(
  params: P,
  { optimizer, metrics = {} }: Pick<StepOptions, 'optimizer' | 'metrics'>,
): TrainingState<P> {
  return { params, optimizer: optimizer.init(params), totals: noTotals(metrics) };
}

/**
 * `(state, batch) => [state, report]`, to be compiled with the state donated. The key of step n is `foldKey(key, n)`.
 */
export function trainingStep<P, X, M extends Metrics = Metrics>(
  model: Model<P, X>,
  options: StepOptions<M> & { readonly key: Key; readonly batchesPerEpoch: number },
): (state: TrainingState<P>, batch: Batch<X>) => readonly [TrainingState<P>, StepReport<M>] {
  requireModel('trainingStep', model);
  checkOptions('trainingStep', options, 'loss, metrics, optimizer, clip, key, batchesPerEpoch');
  const { loss, optimizer, clip, batchesPerEpoch } = options;
  const metrics: Metrics = options.metrics ?? {};
  requireClip(clip);
  requireWhole('trainingStep: batchesPerEpoch', batchesPerEpoch); // at 0, each batch would begin the means anew
  return (state, batch) => {
    const key = foldKey(options.key, state.totals.batches);
    const targets = given('targets', batch.targets);
    const forward = (params: P): readonly [Tensor, Tensor] => {
      const outputs = applyModel(model, params, batch, { key, training: true });
      return [scalarOf('loss', loss(outputs, targets, batch.weights)), outputs];
    };
    const [[value, outputs], raw] = differentiate(forward)(state.params);
    const { gradients, norm } = clipped(raw, clip);
    const [params, own] = optimizer.update(gradients, state.optimizer, state.params);
    const measured = measure(metrics, outputs, targets, batch.weights);
    const seen = { loss: value, metrics: measured, weights: batch.weights };
    return [
      { params, optimizer: own, totals: addTotals(state.totals, seen, batchesPerEpoch) },
      {
        loss: cast(value, 'float32'),
        gradientNorm: norm,
        metrics: Object.fromEntries(
          Object.entries(measured).map(([name, t]) => [name, cast(t, 'float32')]),
        ) as PerMetric<M, Tensor>,
      },
    ];
  };
}

/** `valueAndGradAux` for parameters whose type is not known to be a tree; core checks that it is one. */
const differentiate = valueAndGradAux as unknown as <P>(
  f: (params: P) => readonly [Tensor, Tensor],
) => (params: P) => readonly [readonly [loss: Tensor, outputs: Tensor], gradients: P];

function clipped<G>(gradients: G, clip: Clip | undefined): { gradients: G; norm: Tensor | null } {
  const { norm, tensorNorm, value } = (clip ?? {}) as Bounds;
  if (norm !== undefined) return clipByGlobalNorm(gradients, norm);
  if (tensorNorm !== undefined) return { gradients: clipByNorm(gradients, tensorNorm), norm: null };
  if (value !== undefined) return { gradients: clipByValue(gradients, value), norm: null };
  return { gradients, norm: null };
}

type Bounds = { readonly [kind in 'norm' | 'tensorNorm' | 'value']?: number | undefined };

/** Refuses bounds that are none, or more than one. */
export function requireClip(clip: Clip | undefined): void {
  if (clip === undefined) return;
  checkOptions('training: clip', clip as Bounds, 'norm, tensorNorm, value');
  const bounds = Object.values(clip).filter((bound) => bound !== undefined);
  if (bounds.length !== 1)
    fail(
      'option-invalid',
      `training: clip has ${bounds.length} bounds. Give { norm }, { tensorNorm } or { value }, one of them.`,
    );
}

/** What `fit` fills in, and a batch made by hand may lack. */
export function given(name: 'targets' | 'weights', t: Tensor | null | undefined): Tensor {
  if (t instanceof Tensor) return t;
  const what =
    name === 'weights'
      ? 'float32 [B], 1 for each example that counts'
      : 'what the loss compares with';
  return fail('data-invalid', `batch: ${name} is ${t === null ? t : typeof t}. Give ${what}.`);
}

/** Outputs of a model for a batch, checked. */
export function applyModel<P, X>(
  model: Model<P, X>,
  params: P,
  batch: Batch<X>,
  how: Pick<ModelHow, 'key' | 'training'>,
): Tensor {
  const { lengths, mask } = batch;
  const rows = given('weights', batch.weights).shape[0];
  const outputs: unknown = model.apply(params, batch.inputs, {
    ...how,
    ...(lengths ? { lengths } : {}),
    ...(mask ? { mask } : {}),
  });
  if (outputs instanceof Tensor && outputs.shape[0] === rows) return outputs;
  return fail(
    'shape-mismatch',
    `model: apply must return one tensor [${rows}, ...], got ${outputs instanceof Tensor ? `[${outputs.shape}]` : typeof outputs}. Choose the output that the loss is about, with the batch as its first axis.`,
  );
}

export function measure(
  metrics: Metrics,
  outputs: Tensor,
  targets: Tensor,
  weights: Tensor,
): { [name: string]: Tensor } {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, f]) => [
      name,
      scalarOf(`metric "${name}"`, f(outputs, targets, weights)),
    ]),
  );
}

export function scalarOf(what: string, x: Tensor): Tensor {
  if (x instanceof Tensor && x.rank === 0) return x;
  return fail(
    'not-scalar',
    `${what}: must be a scalar tensor, got ${x instanceof Tensor ? `${x.dtype}[${x.shape}]` : typeof x}. Reduce it with weightedMean.`,
  );
}
