/**
 * One model from its first step to its test: trained on the first four fifths, its best epoch chosen on the last fifth,
 * tested on held-back texts. Knows one model; what it is compared with is in compare.ts.
 */
import { join } from 'node:path';
import type { Tensor } from '@ostinato/core';
import {
  adam,
  binaryAccuracy,
  binaryCrossEntropy,
  type DoneEvent,
  evaluate,
  type FitOptions,
  fit,
  type StartEvent,
  type TrainingData,
} from '@ostinato/training';
import { fileStore } from '@ostinato/training/node';
import { openBackend } from './backends.ts';
import { type Clock, startClock } from './clock.ts';
import type { Encoded, Part } from './data.ts';
import { classifier } from './model.ts';
import type { CellName, RunSettings } from './options.ts';
import { type Progress, progress } from './progress.ts';
import { TITLES } from './report.ts';
import type { ModelResult } from './result.ts';

/** The last part of the training texts, before any shuffling. */
export const VALIDATION_SPLIT = 0.2;

interface Training {
  readonly cell: CellName;
  readonly settings: RunSettings;
  readonly data: Encoded;
  /** A checkpoint that lies here is gone on with. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

type Params = readonly unknown[];

/** @returns null where the signal stopped it; its checkpoint is in the folder then. */
export async function train(training: Training): Promise<ModelResult | null> {
  const { cell, settings, data, signal } = training;
  const folder = join(training.folder, cell);
  const clock = await startClock(join(folder, 'clock.json'));
  const model = classifier(cell, settings);
  const backend = await openBackend(settings.backend);
  const measures = { loss: binaryCrossEntropy, metrics: { accuracy: binaryAccuracy } };
  const options: FitOptions<Params> = {
    backend,
    ...measures,
    optimizer: adam({ learningRate: settings.learningRate }),
    epochs: settings.epochs,
    batch: settings.batch,
    seed: settings.seed,
    validationSplit: VALIDATION_SPLIT,
    // A bar needs no more; on a device each read is a wait.
    every: 10,
    checkpoint: { store: fileStore(folder), resume: true },
    signal,
    ...(settings.clip > 0 && { clip: { norm: settings.clip } }),
  };
  try {
    const rows = trainingRows(data.train);
    const { start, done } = await follow(fit(model, rows, options), training, clock);
    const { epoch, params } = done.best ?? done.last;
    const { batch } = settings;
    const test = await evaluate(model, params, trainingRows(data.test), {
      backend,
      batch,
      ...measures,
      signal,
    });
    const { tokens, trainingSeconds, seconds, peakMemoryMiB } = clock.costs;
    return {
      cell,
      backend: backend.name,
      parameters: start.parameters,
      epochs: settings.epochs,
      trainLoss: done.history.map(({ loss }) => loss),
      validationAccuracy: done.history[epoch - 1]?.validation?.metrics.accuracy ?? Number.NaN,
      bestEpoch: epoch,
      testAccuracy: test.metrics.accuracy ?? Number.NaN,
      testLoss: test.loss,
      tokensPerSecond: tokens / trainingSeconds,
      peakMemoryMiB,
      seconds,
    };
  } catch (error) {
    // A checkpoint that cannot be written fails after the signal too.
    if (!signal.aborted || error !== signal.reason) throw error;
    await clock.save();
    return null;
  }
}

const trainingRows = ({ ids, labels, mask }: Part): TrainingData => ({
  inputs: { data: ids.data, shape: ids.shape },
  targets: labels,
  ...(mask && { mask }),
});

/** Pulls the events of a run: shows how far it is and takes its time. */
async function follow(
  events: ReturnType<typeof fit<Params, Tensor>>,
  { cell, settings }: Training,
  clock: Clock,
): Promise<{ start: StartEvent; done: DoneEvent<Params> }> {
  const { batch, epochs, maxlen } = settings;
  let start: StartEvent | undefined;
  let bar: Progress | undefined;
  let validation = '';
  let loss = '';
  let before = performance.now();
  try {
    for await (const event of events) {
      const seconds = (performance.now() - before) / 1000;
      if (event.type === 'start') {
        start = event;
        for (const warning of event.warnings) console.error(warning);
        bar = progress(TITLES[cell].padEnd(9), epochs * event.stepsPerEpoch, event.resumed?.step);
      } else if (event.type === 'step' && start) {
        const first = (event.step - 1 - (event.epoch - 1) * start.stepsPerEpoch) * batch;
        clock.add(Math.min(batch, start.trainingRows - first) * maxlen, seconds);
        if (event.loss !== null) loss = ` loss ${event.loss.toFixed(3)}`;
        bar?.update(event.step, `epoch ${event.epoch}/${epochs}${loss}${validation}`);
      } else if (event.type === 'epoch' && event.validation) {
        const { accuracy = Number.NaN } = event.validation.metrics;
        validation = ` validation ${(accuracy * 100).toFixed(1)} %`;
        bar?.update(event.step, `epoch ${event.epoch}/${epochs}${loss}${validation}`);
      } else if (event.type === 'checkpoint') {
        await clock.save();
      } else if (event.type === 'done' && start) {
        return { start, done: event };
      }
      before = performance.now();
    }
  } finally {
    bar?.stop();
  }
  throw new Error('fit ended without a last event');
}
