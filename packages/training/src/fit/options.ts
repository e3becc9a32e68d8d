/** What `fit` is told. Types only. */
import type { Tensor } from '@ostinato/core';
import type { Backend } from '../backend.ts';
import type { Store } from '../checkpoint/store.ts';
import type { TrainingData } from '../data.ts';
import type { ParamsInput } from '../model.ts';
import type { StopSignal } from '../signal.ts';
import type { Metrics } from '../totals.ts';
import type { StepOptions } from '../training-step.ts';

export interface FitOptions<P, X = Tensor, M extends Metrics = Metrics> extends StepOptions<M> {
  readonly backend: Backend;
  /** Times through the data. */
  readonly epochs: number;
  /** Rows per step, 32 unless told. The last batch of an epoch is filled up with rows that count nothing. */
  readonly batch?: number | undefined;
  /** Of parameters, order and dropout. Default 0. */
  readonly seed?: number | undefined;
  /** A new order in each epoch. Default true. */
  readonly shuffle?: boolean | undefined;
  /** Measured after each epoch; the best epoch is the one with the least loss here. */
  readonly validation?: TrainingData<X> | undefined;
  /** Instead: the last part of the data as given, before any shuffling, as in Keras. */
  readonly validationSplit?: number | undefined;
  /** Start from these instead of from `model.init`. Copied. */
  readonly params?: ParamsInput<P> | undefined;
  /** Read the loss at every n-th step; the other steps' events have null. Default 1. */
  readonly every?: number | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Stops the loop between steps: it throws the signal's reason. */
  readonly signal?: StopSignal | undefined;
}

export interface CheckpointOptions {
  readonly store: Store;
  /** Default `checkpoint`. */
  readonly name?: string | undefined;
  /** Write after every n steps too, not only after each epoch and when the loop is stopped. */
  readonly everySteps?: number | undefined;
  /** Go on from the checkpoint of this name, if there is one. */
  readonly resume?: boolean | undefined;
}
