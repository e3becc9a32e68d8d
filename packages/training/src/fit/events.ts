/** What `fit` tells. Types only; whatever events hand out lives on the host. */
import type { EpochRecord } from '../checkpoint/checkpoint.ts';
import type { HostTree } from '../model.ts';
import type { Metrics, PerMetric } from '../totals.ts';

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

export interface StepEvent<P, M = Metrics> extends Snapshot<P> {
  readonly type: 'step';
  /** From 1. */
  readonly epoch: number;
  /** Steps taken in all. */
  readonly step: number;
  /** Of this batch, before its update; null where `every` left it out. */
  readonly loss: number | null;
  /** Before clipping; null without clipping by norm. */
  readonly gradientNorm: number | null;
  /** Of this batch, before its update; null where `every` left them out. */
  readonly metrics: PerMetric<M> | null;
}

export interface EpochEvent<P, M = Metrics> extends EpochRecord<M>, Snapshot<P> {
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

export interface DoneEvent<P, M = Metrics> {
  readonly type: 'done';
  readonly step: number;
  readonly history: readonly EpochRecord<M>[];
  readonly last: { readonly epoch: number; readonly params: HostTree<P> };
  /** By validation loss; null without validation. */
  readonly best: BestEpoch<P> | null;
}

export interface BestEpoch<P> {
  readonly epoch: number;
  readonly loss: number;
  readonly params: HostTree<P>;
}

/** `M` is the record of metrics: each value has its metric's name. */
export type FitEvent<P, M = Metrics> =
  | StartEvent
  | StepEvent<P, M>
  | EpochEvent<P, M>
  | CheckpointEvent
  | DoneEvent<P, M>;
