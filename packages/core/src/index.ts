/** `@ostinato/core`: tensors, gradients, scan, and functions made to run on a backend. */
export * from './autograd/index.ts';
export {
  checkOptions,
  type ErrorCode,
  errorCodes,
  fail,
  named,
  OstinatoError,
  shown,
} from './errors.ts';
export { dependsOn } from './graph/rewrite.ts';
export { type HostArray, Tensor } from './graph/tensor.ts';
export { flatten, leavesOf, mapTree, type Tree, type TreeShape } from './graph/tree.ts';
export type { DType, TypedArray } from './ir/dtype.ts';
export type { Shape } from './ir/view.ts';
export { einsum, matmul } from './ops/contract.ts';
export { type CumulativeOptions, cumsum } from './ops/cumulative.ts';
export {
  abs,
  add,
  cast,
  clip,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  full,
  greater,
  greaterEqual,
  iota,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mul,
  neg,
  type Operand,
  oneHot,
  ones,
  onesLike,
  pad,
  pow,
  range,
  relu,
  rem,
  scalar,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  where,
  zeros,
  zerosLike,
} from './ops/elementwise.ts';
export * from './ops/random.ts';
export {
  all,
  any,
  argmax,
  argmin,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  type ReduceOptions,
  softmax,
  sum,
  variance,
} from './ops/reduce.ts';
export { pairOf, type ScanOptions, scan } from './ops/scan.ts';
export { gather, scatterAdd, takeLast } from './ops/table.ts';
export {
  at,
  broadcastTo,
  concat,
  expandDims,
  flip,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  transpose,
} from './ops/views.ts';
export {
  type Built,
  type Compiled,
  type CompileOptions,
  compile,
  type Feed,
  run,
} from './trace/compile.ts';
export { type Breather, breather } from './trace/event-loop.ts';
export { explain } from './trace/explain.ts';
export { type HostInput, type Nested, tensor } from './trace/host.ts';
export { peek } from './trace/peek.ts';
export { type Opener, type Picked, pickBackend } from './trace/pick-backend.ts';
export { dispose, type Leak, leaks, scope } from './trace/value.ts';
