/** Running a model without training it: losses and metrics over data, and outputs. Knows batches and one backend. */
import {
  type Breather,
  breather,
  type Compiled,
  compile,
  dispose,
  type HostArray,
  type Key,
  key,
  run,
  type Tensor,
} from '@ostinato/core';
import { batches } from '@ostinato/datasets';
import type { Backend } from './backend.ts';
import { type Batch, batchFiller, countRows, type InputData, type TrainingData } from './data.ts';
import { requireLike, tensorTree } from './host-tree.ts';
import type { Model, ParamsInput } from './model.ts';
import {
  requireBackend,
  requireKnown,
  requireMeasured,
  requireModel,
  requireWhole,
} from './require.ts';
import { type StopSignal, throwIfAborted } from './signal.ts';
import {
  addTotals,
  type Measured,
  type Metrics,
  noTotals,
  readTotals,
  type Totals,
} from './totals.ts';
import { applyModel, given, measure, scalarOf } from './training-step.ts';
import { type Measure, weighing } from './weighted-mean.ts';

export interface RunOptions {
  readonly backend: Backend;
  /** Rows per batch, 32 unless told. The last batch is filled up with rows that count nothing. */
  readonly batch?: number | undefined;
  /** For models that draw random numbers outside of training too. Default 0. */
  readonly seed?: number | undefined;
  readonly signal?: StopSignal | undefined;
}

export interface EvaluateOptions<M extends Metrics = Metrics> extends RunOptions {
  readonly loss: Measure;
  readonly metrics?: M | undefined;
}

/** Gives the loop its pauses: after each batch. */
export interface Pace {
  readonly signal: StopSignal | undefined;
  readonly breath: Breather;
}

/** Weighted means of the loss and the metrics over all examples of `data`. */
export async function evaluate<P, X, M extends Metrics = Metrics>(
  model: Model<P, X>,
  params: ParamsInput<P>,
  data: TrainingData<X>,
  options: EvaluateOptions<M>,
): Promise<Measured<M>> {
  requireModel('evaluate', model);
  requireKnown('evaluate', options);
  const { backend, batch = 32, metrics = {}, loss, seed = 0, signal } = options;
  requireMeasured('evaluate', options);
  requireWhole('evaluate: batch', batch);
  const rows = { data, indices: orderOf(countRows(data), batch) };
  const start = { params: paramsFor(model, params), totals: noTotals(metrics) };
  const evaluator = createEvaluator(model, rows, { backend, batch, loss, metrics, key: key(seed) });
  const { params: own, totals } = await run(backend, start);
  try {
    const pace = { signal, breath: breather() };
    return (await evaluator.measure(own, pace, totals)) as Measured<M>;
  } finally {
    evaluator.dispose();
    dispose([own, totals]);
  }
}

/** Which rows of which data, batch by batch. */
export interface Rows<X> {
  readonly data: TrainingData<X>;
  readonly indices: readonly Uint32Array[];
}

export const orderOf = (count: number, size: number): Uint32Array[] =>
  batches(count, { size, key: null, epoch: 0 });

export interface Evaluator<P> {
  /** `totals` are used up by the first call, and left out from the second on. */
  measure(params: P, pace: Pace, totals?: Totals): Promise<Measured>;
  readonly compiled: Compiled<never, unknown>;
  dispose(): void;
}

/** One compiled program and one set of buffers for any number of evaluations. */
export function createEvaluator<P, X>(
  model: Model<P, X>,
  rows: Rows<X>,
  options: Omit<EvaluateOptions, 'seed' | 'signal'> & { readonly batch: number; readonly key: Key },
): Evaluator<P> {
  const { backend } = options;
  const uneven = rows.data.weights || rows.indices.some((part) => part.length < options.batch);
  const { loss, metrics = {} } = uneven ? weighing(options.loss, options.metrics ?? {}) : options;
  const step = compile(
    backend,
    function evaluation(totals: Totals, params: P, batch: Batch<X>): Totals {
      const how = { key: options.key, training: false };
      const outputs = applyModel(model, params, batch, how);
      const targets = given('targets', batch.targets);
      const seen = {
        loss: scalarOf('loss', loss(outputs, targets, batch.weights)),
        metrics: measure(metrics, outputs, targets, batch.weights),
        weights: batch.weights,
      };
      return addTotals(totals, seen, rows.indices.length);
    },
    { donate: [0] },
  );
  const fill = batchFiller(rows.data, options.batch);
  let held: Totals | null = null;
  return {
    compiled: step as unknown as Compiled<never, unknown>,
    async measure(params, { signal, breath }, totals) {
      if (totals) held = totals;
      for (const indices of rows.indices) {
        throwIfAborted(signal);
        const now = held as Totals;
        held = await step(now as never, params as never, fill(indices) as never);
        if (!breath.due()) continue;
        await breath.rest();
        await held.weight.item(); // so that a device does not fall behind without end
      }
      return readTotals(held as Totals);
    },
    dispose() {
      dispose(held);
      step.dispose();
    },
  };
}

/** The model's outputs for all examples, [N, ...], in their order. */
export async function predict<P, X>(
  model: Model<P, X>,
  params: ParamsInput<P>,
  data: InputData<X>,
  options: RunOptions,
): Promise<HostArray> {
  requireModel('predict', model);
  requireKnown('predict', options);
  const { backend, batch = 32, seed = 0, signal } = options;
  requireBackend('predict', backend);
  requireWhole('predict: batch', batch);
  const count = countRows(data);
  const constant = key(seed);
  const own = await run(backend, paramsFor(model, params));
  const step = compile(backend, function prediction(p: P, b: Batch<X>): Tensor {
    return applyModel(model, p, b, { key: constant, training: false });
  });
  const { inputs, lengths, mask } = data;
  const fill = batchFiller({ inputs, lengths, mask }, batch);
  let whole: HostArray | null = null;
  let at = 0;
  try {
    for (const indices of orderOf(count, batch)) {
      throwIfAborted(signal);
      const outputs = await step(own as never, fill(indices) as never);
      const reading = outputs.read();
      outputs.dispose();
      const { data: values, shape, dtype } = await reading;
      const width = values.length / batch;
      whole ??= wholeOf(values, count * width, [count, ...shape.slice(1)], dtype);
      whole.data.set(values.subarray(0, indices.length * width), at);
      at += indices.length * width;
    }
    return whole as HostArray;
  } finally {
    step.dispose();
    dispose(own);
  }
}

function wholeOf(
  like: HostArray['data'],
  length: number,
  shape: readonly number[],
  dtype: HostArray['dtype'],
): HostArray {
  const Data = like.constructor as new (length: number) => HostArray['data'];
  return { data: new Data(length), shape, dtype };
}

/** Given parameters as a tree of tensors, checked against what the model would make. */
export function paramsFor<P, X>(model: Model<P, X>, params: ParamsInput<P>): P {
  const tree = tensorTree<P>(params);
  requireLike('params', tree, model.init(key(0)));
  return tree;
}
