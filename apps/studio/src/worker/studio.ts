/**
 * What the worker does, without the worker: hears messages one after another, and trains while there are none. A pause
 * is a step that is not taken, so a run that was paused is the run that was not.
 */
import { OstinatoError, type Picked } from '@ostinato/core';
import type { HostTree } from '@ostinato/training';
import type {
  BackendChoice,
  FromWorker,
  SampleRequest,
  Settings,
  StepPoint,
  ToWorker,
} from '../protocol.ts';
import type { Params } from './model.ts';
import { openSession, type Session } from './session.ts';

export interface StudioOptions {
  tell(message: FromWorker): void;
  open(choice: BackendChoice): Promise<Picked>;
  /** Milliseconds from some moment on. */
  now(): number;
}

export interface Studio {
  hear(message: ToWorker): void;
}

/** Milliseconds between two reports of steps. */
const REPORT = 100;
/** Milliseconds between two looks at the text that is watched, and how much of all time they may take. */
const LOOK = 300;
const LOOKING = 0.2;

export function createStudio(options: StudioOptions): Studio {
  const inbox: ToWorker[] = [];
  let wake = (): void => {};
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const actor = new Actor(options);
  const live = async (): Promise<never> => {
    for (;;) {
      const message = inbox.shift();
      if (message) await actor.answer(message);
      else if (actor.wantsStep) await actor.advance();
      else await rest();
    }
  };
  void live();
  return {
    hear(message) {
      inbox.push(message);
      wake();
    },
  };
}

type Start = ToWorker & { readonly kind: 'start' };

/** Steps that may be taken from now on. */
const allowances = { pause: 0, step: 1, resume: Number.POSITIVE_INFINITY };

interface Run {
  readonly id: number;
  readonly settings: Settings;
  readonly session: Session;
  order: number;
  /** Steps that may still be taken. */
  allowed: number;
  stepsPerEpoch: number;
  step: number;
  /** An epoch's end is told with its last step, the run's end with its last epoch. */
  owes: boolean;
  isOver: boolean;
  params: (() => Promise<HostTree<Params>>) | null;
  points: StepPoint[];
  reportedAt: number;
  reportedStep: number;
  /** When the next look may be. */
  looksAt: number;
  /** What was looked at, and after which step. */
  looked: string;
}

class Actor {
  private readonly options: StudioOptions;
  private picked: Picked | null = null;
  private run: Run | null = null;
  private choice: BackendChoice = { name: 'auto', software: false };
  private watched = '';
  private wanted: SampleRequest | null = null;

  constructor(options: StudioOptions) {
    this.options = options;
  }

  get wantsStep(): boolean {
    const { run } = this;
    return run !== null && !run.isOver && (run.allowed > 0 || run.owes);
  }

  async answer(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'open':
        return this.open(message.choice);
      case 'start':
        return this.start(message);
      case 'pause':
      case 'resume':
      case 'step':
        return this.allow(allowances[message.kind], message.order);
      case 'watch':
        this.watched = message.text;
        this.wanted = message.sample;
        return this.guarded(() => this.look());
    }
  }

  private async open(choice: BackendChoice): Promise<void> {
    await this.close();
    this.picked?.backend.dispose();
    this.picked = null;
    this.choice = choice;
    try {
      this.picked = await this.options.open(choice);
    } catch (error) {
      this.options.tell({ kind: 'failed', run: null, message: textOf(error) });
      return;
    }
    const { backend, tried } = this.picked;
    const { name, variant, notes = [] } = backend.info();
    this.options.tell({ kind: 'opened', backend: { name, variant, tried, notes } });
  }

  private async start({ run: id, settings, begin, order }: Start): Promise<void> {
    await this.close();
    const { picked } = this;
    if (!picked) {
      const message = 'No backend is open any more. Choose one, then train again.';
      this.options.tell({ kind: 'failed', run: id, message });
      return;
    }
    try {
      const session = openSession(picked.backend, settings);
      const now = this.options.now();
      this.run = {
        id,
        settings,
        session,
        order,
        allowed: allowances[begin],
        stepsPerEpoch: 0,
        step: 0,
        owes: false,
        isOver: false,
        params: null,
        points: [],
        reportedAt: now,
        reportedStep: 0,
        looksAt: Number.NEGATIVE_INFINITY,
        looked: '',
      };
    } catch (error) {
      this.options.tell({ kind: 'failed', run: id, message: textOf(error) });
    }
  }

  private async allow(steps: number, order: number): Promise<void> {
    const { run } = this;
    if (!run || run.isOver) return;
    run.order = order;
    if (run.allowed === 0 && steps > 0) {
      run.reportedAt = this.options.now();
      run.reportedStep = run.step;
    }
    run.allowed = steps;
    if (!this.wantsStep) await this.guarded(() => this.pause());
  }

  /** Pulls one event of the run. */
  advance(): Promise<void> {
    return this.guarded(async () => {
      const run = this.run as Run;
      const { value: event } = await run.session.events.next();
      if (!event) return;
      const { tell } = this.options;
      switch (event.type) {
        case 'start': {
          const { parameters, stepsPerEpoch, trainingRows, validationRows } = event;
          const { facts } = run.session;
          run.stepsPerEpoch = stepsPerEpoch;
          tell({
            kind: 'started',
            run: run.id,
            facts: {
              ...facts,
              parameters,
              stepsPerEpoch,
              trainingRows,
              heldBackRows: validationRows,
            },
          });
          return;
        }
        case 'step':
          return this.stepped(run, event);
        case 'epoch': {
          run.params = event.params;
          run.owes = event.epoch === run.settings.epochs;
          this.report(run);
          const { epoch, step, validation } = event;
          const accuracy = validation?.metrics.accuracy ?? Number.NaN;
          const loss = validation?.loss ?? Number.NaN;
          tell({ kind: 'epoch', run: run.id, point: { epoch, step, loss, accuracy } });
          if (!this.wantsStep) await this.pause();
          return;
        }
        case 'done': {
          const { params } = event.last;
          run.params = async () => params;
          run.isOver = true;
          await this.look();
          tell({ kind: 'rests', run: run.id, why: 'done', order: run.order });
        }
      }
    });
  }

  private async stepped(
    run: Run,
    event: {
      readonly step: number;
      readonly loss: number | null;
      readonly metrics: { readonly [name: string]: number } | null;
      params(): Promise<HostTree<Params>>;
    },
  ): Promise<void> {
    const { step, loss, metrics } = event;
    run.step = step;
    run.params = event.params;
    run.allowed--;
    run.owes = step % run.stepsPerEpoch === 0;
    run.points.push({
      step,
      loss: loss ?? Number.NaN,
      accuracy: metrics?.accuracy ?? Number.NaN,
    });
    if (!Number.isFinite(loss)) return this.diverged(run);
    const now = this.options.now();
    if (now - run.reportedAt >= REPORT) this.report(run);
    if (!this.wantsStep) await this.pause();
    else if (now >= run.looksAt) await this.look();
  }

  private async diverged(run: Run): Promise<void> {
    this.report(run);
    this.options.tell({
      kind: 'failed',
      run: run.id,
      message: `The loss of step ${run.step} is no number any more: the updates became too large for this cell. Lower the learning rate, or keep the state within bounds, as tanh does.`,
    });
    await this.close();
  }

  private report(run: Run): void {
    if (run.points.length === 0) return;
    const now = this.options.now();
    const seconds = (now - run.reportedAt) / 1000;
    this.options.tell({
      kind: 'progress',
      run: run.id,
      points: run.points,
      stepsPerSecond: seconds > 0 ? (run.step - run.reportedStep) / seconds : 0,
    });
    run.points = [];
    run.reportedAt = now;
    run.reportedStep = run.step;
  }

  private async pause(): Promise<void> {
    const { run } = this;
    if (!run) return;
    this.report(run);
    await this.look();
    this.options.tell({ kind: 'rests', run: run.id, why: 'paused', order: run.order });
  }

  /** At the text that is watched, and what is written behind it, unless that was done after the same step. */
  private async look(): Promise<void> {
    const { run, watched, wanted } = this;
    if (!run?.params) return;
    const { session, step } = run;
    const key = JSON.stringify([step, watched, wanted]);
    if (run.looked === key) return;
    run.looked = key;
    const begin = this.options.now();
    const params = await run.params();
    const look = await session.look(params, watched);
    this.options.tell({ kind: 'looked', run: run.id, look: { ...look, step } });
    const sample = wanted && (await session.sample(params, wanted));
    if (sample) this.options.tell({ kind: 'sampled', run: run.id, sample: { ...sample, step } });
    const end = this.options.now();
    run.looksAt = end + Math.max(LOOK, (end - begin) / LOOKING);
  }

  /** Whatever goes wrong ends the run, and is told. */
  private async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { run } = this;
      await this.close().catch(() => {}); // what failed may fail again; the first reason counts
      this.options.tell({ kind: 'failed', run: run?.id ?? null, message: textOf(error) });
      // The browser took the device away; another one may be had.
      if (error instanceof OstinatoError && error.code === 'device-lost')
        await this.open(this.choice);
    }
  }

  private async close(): Promise<void> {
    const { run } = this;
    this.run = null;
    await run?.session.dispose();
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
