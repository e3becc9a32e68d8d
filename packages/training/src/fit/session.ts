/**
 * One run of `fit`: what lives on the backend, how far it has come, and the epochs, steps, validations and checkpoints
 * in their order. Knows neither formulas nor formats.
 */
import { breather, type Compiled, compile, dispose, fail, leavesOf, run } from '@ostinato/core';
import {
  type Checkpoint,
  type EpochRecord,
  encodeCheckpoint,
  type RunRecord,
} from '../checkpoint/checkpoint.ts';
import { type Batch, batchFiller, type TrainingData } from '../data.ts';
import { createEvaluator, type Evaluator, type Pace, paramsFor } from '../evaluate.ts';
import { readTree, tensorTree } from '../host-tree.ts';
import type { HostTree, Model } from '../model.ts';
import { throwIfAborted } from '../signal.ts';
import { type Measured, noTotals, readTotals, type Totals } from '../totals.ts';
import {
  type StepReport,
  type TrainingState,
  trainingState,
  trainingStep,
} from '../training-step.ts';
import { weighing } from '../weighted-mean.ts';
import type {
  BestEpoch,
  CheckpointEvent,
  EpochEvent,
  FitEvent,
  Snapshot,
  StartEvent,
  StepEvent,
} from './events.ts';
import type { FitOptions } from './options.ts';
import { epochOrder, type Plan } from './plan.ts';
import { differences, nameOf, resumeFrom } from './resume.ts';

type Step<P, X> = (
  state: TrainingState<P>,
  batch: Batch<X>,
) => readonly [TrainingState<P>, StepReport];

/** What a run is made of, checked. */
export interface Given<P, X> {
  readonly model: Model<P, X>;
  readonly data: TrainingData<X>;
  readonly plan: Plan<X>;
  readonly options: FitOptions<P, X>;
}

/** One run: what lives on the backend, and how far it has come. */
export class Session<P, X> {
  private readonly plan: Plan<X>;
  private readonly options: FitOptions<P, X>;
  private readonly compiledStep: Compiled<Parameters<Step<P, X>>, ReturnType<Step<P, X>>>;
  private readonly fill: ReturnType<typeof batchFiller>;
  private readonly evaluator: Evaluator<P> | null;
  private readonly pace: Pace;
  private state: TrainingState<P>;
  private ended = false;
  private validationTotals: Totals | undefined;
  private step: number;
  private readonly history: EpochRecord[];
  private best: BestEpoch<P> | null;
  private readonly resumed: StartEvent['resumed'];
  private readonly warnings: readonly string[];
  /** Step and epochs of the last checkpoint, to write none twice; or of the beginning, which is not worth that of before. */
  private saved: string;

  static async open<P, X>(given: Given<P, X>): Promise<Session<P, X>> {
    const { model, plan, options } = given;
    const metrics = options.metrics ?? {};
    throwIfAborted(options.signal);
    const params = options.params ? paramsFor(model, options.params) : model.init(plan.keys.init);
    const fresh = trainingState(params, options);
    const found = await resumeFrom(fresh, plan, options);
    const start = found ? tensorTree<TrainingState<P>>(found.state as never) : fresh;
    // The totals of validation begin anew with each evaluation, so they are not part of a checkpoint.
    const totals = plan.validation ? noTotals(metrics) : null;
    const made = await run(options.backend, { state: start, totals });
    try {
      return new Session(given, found, made);
    } catch (e) {
      dispose(made);
      throw e;
    }
  }

  private constructor(
    { model, data, plan, options }: Given<P, X>,
    found: Checkpoint | null,
    made: { state: TrainingState<P>; totals: Totals | null },
  ) {
    const { backend, loss, metrics = {}, optimizer, clip, signal } = options;
    const { batch } = plan.identity;
    this.plan = plan;
    this.options = options;
    this.state = made.state;
    this.validationTotals = made.totals ?? undefined;
    const { stepsPerEpoch: batchesPerEpoch, keys } = plan;
    const uneven = data.weights || plan.identity.rows % batch > 0;
    const measures = uneven ? weighing(loss, metrics) : { loss, metrics };
    const step = { ...measures, optimizer, clip, key: keys.step, batchesPerEpoch };
    this.compiledStep = compile(backend, trainingStep(model, step), {
      donate: [0],
      label: 'training step',
    });
    this.fill = batchFiller(data, batch);
    this.evaluator = plan.validation
      ? createEvaluator(model, plan.validation, { backend, batch, loss, metrics, key: keys.init })
      : null;
    this.pace = { signal, breath: breather() };
    this.step = found?.record.step ?? 0;
    this.history = [...(found?.record.history ?? [])];
    this.best = found?.record.best
      ? { ...found.record.best, params: found.best as HostTree<P> }
      : null;
    this.resumed = found ? { epochs: this.history.length, step: this.step } : null;
    this.warnings = found ? differences(found.record, options) : [];
    this.saved = this.moment;
  }

  async *events(): AsyncGenerator<FitEvent<P>, void, void> {
    const { identity, stepsPerEpoch } = this.plan;
    yield {
      type: 'start',
      parameters: leavesOf(this.state.params).reduce((n, t) => n + t.size, 0),
      stepsPerEpoch,
      trainingRows: identity.rows,
      validationRows: identity.validationRows,
      resumed: this.resumed,
      warnings: this.warnings,
    };
    while (this.history.length < this.options.epochs) {
      yield* this.steps(this.history.length);
      yield await this.endEpoch(this.history.length + 1);
      if (this.options.checkpoint) yield* this.saving();
    }
    yield {
      type: 'done',
      step: this.step,
      history: [...this.history],
      last: { epoch: this.history.length, params: await readTree(this.state.params) },
      best: this.best,
    };
  }

  /** The steps of epoch `epoch` (from 0) that are still to be taken. */
  private async *steps(epoch: number): AsyncGenerator<FitEvent<P>, void, void> {
    const { every = 1, checkpoint } = this.options;
    const taken = this.step - epoch * this.plan.stepsPerEpoch;
    for (const indices of epochOrder(this.plan, epoch).slice(taken)) {
      throwIfAborted(this.pace.signal);
      const batch = this.fill(indices);
      const [state, report] = await this.compiledStep(this.state as never, batch as never);
      this.state = state;
      this.step++;
      const numbers = await this.read(report, this.step % every === 0);
      yield { type: 'step', epoch: epoch + 1, step: this.step, ...numbers, ...this.snapshot() };
      if (checkpoint?.everySteps && this.step % checkpoint.everySteps === 0) yield* this.saving();
    }
  }

  /** Reads what a step reports where it is asked for; a pause reads too, so that a device cannot fall far behind. */
  private async read(
    report: StepReport,
    isAsked: boolean,
  ): Promise<Pick<StepEvent<P>, 'loss' | 'gradientNorm' | 'metrics'>> {
    const unread = { loss: null, gradientNorm: null, metrics: null };
    try {
      const rests = this.pace.breath.due();
      if (rests) await this.pace.breath.rest();
      if (!isAsked) {
        if (rests) await report.loss.item();
        return unread;
      }
      const [loss, gradientNorm, ...metrics] = await Promise.all([
        report.loss.item(),
        report.gradientNorm?.item() ?? null,
        ...Object.entries(report.metrics).map(async ([name, t]) => [name, await t.item()] as const),
      ]);
      return { loss, gradientNorm, metrics: Object.fromEntries(metrics) };
    } finally {
      dispose(report);
    }
  }

  private async endEpoch(epoch: number): Promise<EpochEvent<P>> {
    const measured = await readTotals(this.state.totals);
    const validation = await this.validate();
    const isBest = validation !== null && validation.loss < (this.best?.loss ?? Infinity);
    if (isBest)
      this.best = { epoch, loss: validation.loss, params: await readTree(this.state.params) };
    const record: EpochRecord = { epoch, ...measured, validation };
    this.history.push(record);
    // The listener's own: what it changes reaches no checkpoint.
    const own = { ...copyOf(measured), validation: validation && copyOf(validation) };
    return { type: 'epoch', epoch, ...own, step: this.step, isBest, ...this.snapshot() };
  }

  private async validate(): Promise<Measured | null> {
    if (!this.evaluator) return null;
    const totals = this.validationTotals;
    this.validationTotals = undefined;
    return this.evaluator.measure(this.state.params, this.pace, totals);
  }

  private snapshot(): Snapshot<P> {
    const { state } = this;
    return {
      params: async () => {
        if (this.ended || this.state !== state)
          fail(
            'disposed',
            'fit: the parameters of this event are gone, for the loop went on. Call params() before the next event is pulled.',
          );
        return readTree(state.params);
      },
    };
  }

  private get moment(): string {
    return `${this.step} ${this.history.length}`;
  }

  private async *saving(): AsyncGenerator<CheckpointEvent, void, void> {
    const event = await this.save();
    if (event) yield event;
  }

  /** Writes a checkpoint of this moment, unless there is one or none is wanted. */
  async save(): Promise<CheckpointEvent | null> {
    const { checkpoint, backend } = this.options;
    if (!checkpoint || this.saved === this.moment) return null;
    const { moment, best, step } = this;
    const { name, variant } = backend.info();
    const record: RunRecord = {
      run: this.plan.identity,
      backend: { name, variant },
      step,
      history: this.history,
      best: best && { epoch: best.epoch, loss: best.loss },
    };
    const state = await readTree(this.state);
    const file = encodeCheckpoint({ record, state, best: best?.params ?? null });
    const bytes = file.length; // before a store hands the file over to a worker, which leaves nothing here
    await checkpoint.store.write(nameOf(checkpoint), file);
    this.saved = moment;
    return { type: 'checkpoint', name: nameOf(checkpoint), step, bytes };
  }

  dispose(): void {
    this.ended = true;
    dispose([this.state, this.validationTotals ?? null]);
    this.evaluator?.dispose();
    this.compiledStep.dispose();
  }
}

const copyOf = ({ loss, metrics }: Measured): Measured => ({ loss, metrics: { ...metrics } });
