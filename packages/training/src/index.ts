/** `@ostinato/training`: losses, metrics, optimisers, clipping, fit, evaluate, predict and checkpoints. */

export type { Backend } from './backend.ts';
export {
  decodeParams,
  type EpochRecord,
  encodeParams,
} from './checkpoint/checkpoint.ts';
export { fromJson, toJson } from './checkpoint/json.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
} from './checkpoint/safetensors.ts';
export { memoryStore, type Store } from './checkpoint/store.ts';
export { clipByGlobalNorm, clipByNorm, clipByValue, globalNorm } from './clipping.ts';
export type { Batch, HostRows, InputData, InputRows, TrainingData } from './data.ts';
export { type EvaluateOptions, evaluate, predict, type RunOptions } from './evaluate.ts';
export type {
  BestEpoch,
  CheckpointEvent,
  DoneEvent,
  EpochEvent,
  FitEvent,
  Snapshot,
  StartEvent,
  StepEvent,
} from './fit/events.ts';
export { fit } from './fit/fit.ts';
export type { CheckpointOptions, FitOptions } from './fit/options.ts';
export { readTree, tensorTree } from './host-tree.ts';
export { binaryCrossEntropy, crossEntropy, meanSquaredError } from './losses.ts';
export { accuracy, binaryAccuracy } from './metrics.ts';
export type { HostTree, Model, ModelHow, ParamsInput, TensorTree } from './model.ts';
export {
  type AdagradOptions,
  type AdamOptions,
  adagrad,
  adam,
  adamW,
  type LearningRate,
  type Optimizer,
  type OptimizerState,
  type RmspropOptions,
  rmsprop,
  type SgdOptions,
  sgd,
} from './optimizers.ts';
export { cosineDecay, exponentialDecay, linearWarmup, type Schedule } from './schedules.ts';
export type { StopSignal } from './signal.ts';
export type { Measured, Metrics, PerMetric, Totals } from './totals.ts';
export {
  type Clip,
  type StepOptions,
  type StepReport,
  type TrainingState,
  trainingState,
  trainingStep,
} from './training-step.ts';
export { alignTargets, counted, type Measure, weightedMean } from './weighted-mean.ts';
