/** `@ostinato/training`: losses, metrics, optimisers, clipping, fit, evaluate, predict and checkpoints. */
export { clipByGlobalNorm, clipByValue, globalNorm } from './clipping.ts';
export { binaryCrossEntropy, crossEntropy, meanSquaredError } from './losses.ts';
export { accuracy, binaryAccuracy } from './metrics.ts';
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
export { type Measure, weightedMean } from './weighted-mean.ts';
