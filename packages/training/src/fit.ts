/**
 * Training as an async iterator of events: the caller pulls, so pausing is not pulling and stopping is breaking. Knows
 * epochs, batches, validation and checkpoints, and puts the compiled step and evaluation to work.
 *
 * What a step computes depends on (seed, step) and what it sees on (seed, epoch), never on how often the loop was
 * stopped: an interrupted run resumes to the same bits.
 */
import {
  type Compiled,
  compile,
  dispose,
  fail,
  type Key,
  leavesOf,
  run,
  type Tensor,
  tensor,
} from '@ostinato/core';
import { type HostKey, hostKey, splitKey } from '@ostinato/core/random';
import { batches, trainValidationSplit } from '@ostinato/datasets';
import type { Backend } from './backend.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  type EpochRecord,
  encodeCheckpoint,
  type RunIdentity,
  type RunRecord,
} from './checkpoint/checkpoint.ts';
import type { Store } from './checkpoint/store.ts';
import { type Batch, batchFiller, countRows, type TrainingData } from './data.ts';
import {
  createEvaluator,
  type Evaluator,
  orderOf,
  type Pace,
  paramsFor,
  type Rows,
  requireWhole,
} from './evaluate.ts';
import { breather } from './event-loop.ts';
import { readTree, tensorTree } from './host-tree.ts';
import type { HostTree, Model, ParamsInput } from './model.ts';
import { type StopSignal, throwIfAborted } from './signal.ts';
import { type Measured, noTotals, readTotals, type Totals } from './totals.ts';
import {
  type StepOptions,
  type StepReport,
  type TrainingState,
  trainingStep,
} from './training-step.ts';

export interface FitOptions<P, X = Tensor> extends StepOptions {
  readonly backend: Backend;
  /** Times through the data. */
  readonly epochs: number;
  /** Rows per step, 32 unless told. The last batch of an epoch is filled up with rows that count nothing. */
  readonly batch?: number;
  /** Of parameters, order and dropout. Default 0. */
  readonly seed?: number;
  /** A new order in each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Measured after each epoch; the best epoch is the one with the least loss here. */
  readonly validation?: TrainingData<X>;
  /** Instead: the last part of the data as given, before any shuffling, as in Keras. */
  readonly validationSplit?: number;
  /** Start from these instead of from `model.init`. Copied. */
  readonly params?: ParamsInput<P>;
  /** Read the loss at every n-th step; the other steps' events have null. Default 1. */
  readonly every?: number;
  readonly checkpoint?: CheckpointOptions;
  /** Stops the loop between steps: it throws the signal's reason. */
  readonly signal?: StopSignal | undefined;
}

export interface CheckpointOptions {
  readonly store: Store;
  /** Default `checkpoint`. */
  readonly name?: string;
  /** Write after every n steps too, not only after each epoch and when the loop is stopped. */
  readonly everySteps?: number;
  /** Go on from the checkpoint of this name, if there is one. */
  readonly resume?: boolean;
}

export interface StartEvent {
  readonly type: 'start';
  /** Numbers that are trained. */
  readonly parameters: number;
  readonly stepsPerEpoch: number;
  readonly trainingRows: number;
  readonly validationRows: number;
  /** Where the checkpoint left off, or null for a run from the start. */
  readonly resumed: { readonly epochs: number; readonly step: number } | null;
  /** What may make a resumed run differ from one that was never stopped. */
  readonly warnings: readonly string[];
}

/** Reads the parameters of this moment; only before the next event is pulled. */
export interface Snapshot<P> {
  params(): Promise<HostTree<P>>;
}

export interface StepEvent<P> extends Snapshot<P> {
  readonly type: 'step';
  /** From 1. */
  readonly epoch: number;
  /** Steps taken in all. */
  readonly step: number;
  /** Of this batch, before its update; null where `every` left it out. */
  readonly loss: number | null;
  /** Before clipping; null without clipping by norm. */
  readonly gradientNorm: number | null;
}

export interface EpochEvent<P> extends EpochRecord, Snapshot<P> {
  readonly type: 'epoch';
  readonly step: number;
  /** The least validation loss so far. */
  readonly isBest: boolean;
}

export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly name: string;
  readonly step: number;
  readonly bytes: number;
}

export interface DoneEvent<P> {
  readonly type: 'done';
  readonly step: number;
  readonly history: readonly EpochRecord[];
  readonly last: { readonly epoch: number; readonly params: HostTree<P> };
  /** By validation loss; null without validation. */
  readonly best: BestEpoch<P> | null;
}

export interface BestEpoch<P> {
  readonly epoch: number;
  readonly loss: number;
  readonly params: HostTree<P>;
}

export type FitEvent<P> =
  | StartEvent
  | StepEvent<P>
  | EpochEvent<P>
  | CheckpointEvent
  | DoneEvent<P>;

/**
 * Trains a model. Begins when the first event is pulled; when the loop ends, breaks, is aborted or throws, everything
 * that it made on the backend is disposed. What events hand out lives on the host.
 *
 * @example
 * for await (const event of fit(model, data, { backend, optimizer: adam(), loss: binaryCrossEntropy, epochs: 10 })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss, event.validation?.loss);
 * }
 */
export async function* fit<P, X>(
  model: Model<P, X>,
  data: TrainingData<X>,
  options: FitOptions<P, X>,
): AsyncGenerator<FitEvent<P>, void, void> {
  const session = await Session.open(model, data, options);
  let outcome: 'stopped' | 'failed' | 'done' = 'stopped';
  try {
    yield* session.events();
    outcome = 'done';
  } catch (e) {
    if (!options.signal?.aborted) outcome = 'failed';
    throw e;
  } finally {
    try {
      if (outcome === 'stopped') await session.save();
    } finally {
      session.dispose();
    }
  }
}

/** Options with their defaults, and what follows from them. */
interface Plan<X> {
  readonly identity: RunIdentity;
  readonly train: TrainingData<X>;
  readonly validation: Rows<X> | null;
  readonly stepsPerEpoch: number;
  readonly keys: { readonly init: Key; readonly order: HostKey; readonly step: Key };
}

function planOf<P, X>(data: TrainingData<X>, options: FitOptions<P, X>): Plan<X> {
  const { batch = 32, seed = 0, shuffle = true, validation, validationSplit } = options;
  requireWhole('fit: epochs', options.epochs);
  requireWhole('fit: batch', batch);
  requireWhole('fit: every', options.every ?? 1);
  requireWhole('fit: checkpoint.everySteps', options.checkpoint?.everySteps ?? 1);
  if (!('targets' in data))
    fail('data-invalid', 'fit: data has no targets. Give { inputs, targets }.');
  if (validation && validationSplit !== undefined)
    fail('option-invalid', 'fit: got validation and validationSplit. Give one of them.');
  const count = countRows(data);
  const split = validationSplit === undefined ? null : trainValidationSplit(count, validationSplit);
  const rows = split ? split.train.length : count;
  const held = split ? split.validation : null;
  const [init, order, step] = splitKey(hostKey(seed), 3) as [HostKey, HostKey, HostKey];
  return {
    identity: {
      seed,
      batch,
      rows,
      validationRows: held ? held.length : validation ? countRows(validation) : 0,
      shuffle,
    },
    train: data,
    validation: validation
      ? { data: validation, indices: orderOf(countRows(validation), batch) }
      : held && {
          data,
          indices: orderOf(held.length, batch).map((part) => part.map((i) => held[i] as number)),
        },
    stepsPerEpoch: Math.ceil(rows / batch),
    keys: { init: keyOf(init), order, step: keyOf(step) },
  };
}

const keyOf = (words: HostKey): Key => tensor({ data: Uint32Array.from(words), shape: [2] });

type Step<P, X> = (
  state: TrainingState<P>,
  batch: Batch<X>,
) => readonly [TrainingState<P>, StepReport];

/** One run: what lives on the backend, and how far it has come. */
class Session<P, X> {
  private readonly plan: Plan<X>;
  private readonly options: FitOptions<P, X>;
  private readonly compiledStep: Compiled<Parameters<Step<P, X>>, ReturnType<Step<P, X>>>;
  private readonly fill: ReturnType<typeof batchFiller>;
  private readonly evaluator: Evaluator<P> | null;
  private readonly pace: Pace;
  private state: TrainingState<P>;
  private validationTotals: Totals | undefined;
  private step: number;
  private readonly history: EpochRecord[];
  private best: BestEpoch<P> | null;
  private readonly resumed: StartEvent['resumed'];
  private readonly warnings: readonly string[];
  /** Step and epochs of the last checkpoint, to write none twice. */
  private saved = '';

  static async open<P, X>(
    model: Model<P, X>,
    data: TrainingData<X>,
    options: FitOptions<P, X>,
  ): Promise<Session<P, X>> {
    const plan = planOf(data, options);
    const metrics = options.metrics ?? {};
    throwIfAborted(options.signal);
    const params = options.params ? paramsFor(model, options.params) : model.init(plan.keys.init);
    const fresh: TrainingState<P> = {
      params,
      optimizer: options.optimizer.init(params),
      totals: noTotals(metrics),
    };
    const found = await resumeFrom(fresh, plan, options);
    const start = found ? (tensorTree(found.state) as TrainingState<P>) : fresh;
    // The totals of validation begin anew with each evaluation, so they are not part of a checkpoint.
    const totals = plan.validation ? noTotals(metrics) : null;
    const made = await run(options.backend, { state: start, totals });
    try {
      return new Session(model, plan, options, found, made);
    } catch (e) {
      dispose(made);
      throw e;
    }
  }

  private constructor(
    model: Model<P, X>,
    plan: Plan<X>,
    options: FitOptions<P, X>,
    found: Checkpoint | null,
    made: { state: TrainingState<P>; totals: Totals | null },
  ) {
    const { backend, loss, metrics = {}, signal } = options;
    const { batch } = plan.identity;
    this.plan = plan;
    this.options = options;
    this.state = made.state;
    this.validationTotals = made.totals ?? undefined;
    const { stepsPerEpoch: batchesPerEpoch, keys } = plan;
    this.compiledStep = compile(
      backend,
      trainingStep(model, { ...options, key: keys.step, batchesPerEpoch }),
      { donate: [0], label: 'training step' },
    );
    this.fill = batchFiller(plan.train, batch);
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
    if (found) this.saved = this.moment;
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
    const { identity, keys, stepsPerEpoch } = this.plan;
    const { every = 1, checkpoint } = this.options;
    const { shuffle, rows, batch: size } = identity;
    const order = batches(rows, { size, key: shuffle ? keys.order : null, epoch });
    for (const indices of order.slice(this.step - epoch * stepsPerEpoch)) {
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
  ): Promise<Pick<StepEvent<P>, 'loss' | 'gradientNorm'>> {
    try {
      const rested = await this.pace.breath.rest();
      if (!isAsked && !rested) return { loss: null, gradientNorm: null };
      const [loss, gradientNorm] = await Promise.all([
        report.loss.item(),
        report.gradientNorm?.item() ?? null,
      ]);
      return isAsked ? { loss, gradientNorm } : { loss: null, gradientNorm: null };
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
    return { type: 'epoch', ...record, step: this.step, isBest, ...this.snapshot() };
  }

  private async validate(): Promise<Measured | null> {
    if (!this.evaluator) return null;
    const totals = this.validationTotals;
    this.validationTotals = undefined;
    return this.evaluator.measure(this.state.params, this.pace, totals);
  }

  private snapshot(): Snapshot<P> {
    const { params } = this.state;
    return { params: () => readTree(params) };
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
    const bytes = encodeCheckpoint({ record, state, best: best?.params ?? null });
    await checkpoint.store.write(nameOf(checkpoint), bytes);
    this.saved = moment;
    return { type: 'checkpoint', name: nameOf(checkpoint), step, bytes: bytes.length };
  }

  dispose(): void {
    dispose([this.state, this.validationTotals ?? null]);
    this.evaluator?.dispose();
    this.compiledStep.dispose();
  }
}

const nameOf = (options: CheckpointOptions): string => options.name ?? 'checkpoint';

async function resumeFrom<P, X>(
  fresh: TrainingState<P>,
  plan: Plan<X>,
  { checkpoint }: FitOptions<P, X>,
): Promise<Checkpoint | null> {
  if (!checkpoint?.resume) return null;
  const name = nameOf(checkpoint);
  const file = await checkpoint.store.read(name);
  if (file === null) return null;
  const found = decodeCheckpoint(file, name, { state: fresh, params: fresh.params });
  for (const [key, want] of Object.entries(plan.identity)) {
    const got = found.record.run[key as keyof RunIdentity];
    if (got !== want)
      fail(
        'checkpoint-mismatch',
        `${name}: was written by a run with ${key} ${got}, this one has ${want}. Make them equal, or start anew under another name (options.params takes the parameters of the old run).`,
      );
  }
  return found;
}

function differences<P, X>(record: RunRecord, { backend }: FitOptions<P, X>): string[] {
  const { name, variant } = backend.info();
  const before = record.backend;
  if (before.name === name && before.variant === variant) return [];
  return [
    `The checkpoint was written on ${before.name} (${before.variant}), this run goes on on ${name} (${variant}): from here on the numbers may differ in their last bits.`,
  ];
}
