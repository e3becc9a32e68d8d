/** PyTorch's numbers and the rule for agreeing with them. For tests; README.md has the layout. */

export { assertClose, type Closeness, closeness, isClose, type TensorLike } from './close.ts';
export { listGoldens, loadFunctionGoldens, loadGolden } from './load.ts';
export type {
  CellConfig,
  FunctionGolden,
  FunctionGoldenOf,
  FunctionName,
  GoldenKind,
  GoldenName,
  Goldens,
  GoldenTensor,
  OptimiserConfig,
  OptimiserGolden,
  OptimiserTensors,
  RecurrentConfig,
  RecurrentGolden,
  RecurrentOutputs,
  WeightName,
} from './types.ts';
