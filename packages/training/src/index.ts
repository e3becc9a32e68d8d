/** `@ostinato/training`: losses, metrics, optimisers, clipping, fit, evaluate, predict and checkpoints. */

export type { Backend } from './backend.ts';
export {
  decodeParams,
  type EpochRecord,
  encodeParams,
} from './checkpoint/checkpoint.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
} from './checkpoint/safetensors.ts';
export { memoryStore, type Store } from './checkpoint/store.ts';
export { clipByGlobalNorm, clipByValue, globalNorm } from './clipping.ts';
export type { Batch, HostRows, InputData, InputRows, TrainingData } from './data.ts';
export { type EvaluateOptions, evaluate, predict, type RunOptions } from './evaluate.ts';
export {
  type BestEpoch,
  type CheckpointEvent,
  type CheckpointOptions,
  type DoneEvent,
  type EpochEvent,
  type FitEvent,
  type FitOptions,
  fit,
  type Snapshot,
  type StartEvent,
  type StepEvent,
} from './fit.ts';
export { binaryCrossEntropy, crossEntropy, meanSquaredError } from './losses.ts';
export { accuracy, binaryAccuracy } from './metrics.ts';
export type { HostTree, Model, ModelHow, ParamsInput } from './model.ts';
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
export type { StopSignal } from './signal.ts';
export type { Measured, Metrics, Totals } from './totals.ts';
export {
  type Clip,
  type StepOptions,
  type StepReport,
  type TrainingState,
  trainingStep,
} from './training-step.ts';
export { type Measure, weightedMean } from './weighted-mean.ts';
