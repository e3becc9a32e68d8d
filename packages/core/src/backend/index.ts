/** `@ostinato/core/backend`: all that the author of a backend needs. */
export { checkOptions, type ErrorCode, fail, OstinatoError, shown } from '../errors.ts';
export {
  type ProgramBuilder,
  programBuilder,
  type SlotWindow,
  window,
} from '../ir/build.ts';
export {
  bytesPerElement,
  castElement,
  coerce,
  copied,
  type DType,
  dtypes,
  isFloat,
  isInteger,
  type TypedArray,
  viewOf,
} from '../ir/dtype.ts';
export { evaluator } from '../ir/evaluate.ts';
export * from '../ir/expr.ts';
export { printProgram } from '../ir/print.ts';
export * from '../ir/program.ts';
export {
  erf,
  evalExpr,
  evalScalar,
  exprType,
  type ScalarRule,
  scalarOps,
  scalarType,
} from '../ir/scalar.ts';
export { type VerifyLimits, verify } from '../ir/verify.ts';
export { denseStrides, extent, isDense, type Shape, sizeOf } from '../ir/view.ts';
export { type Axis, collapse } from './axes.ts';
export { contractAsLoop, gatherAsLoop, scatterAsLoop } from './derive.ts';
export * from './interface.ts';
export { type KernelBackendOptions, kernelBackend } from './kernel-backend.ts';
export { exchange, type ProductAxes, productAxes, sizeOfAxes } from './product.ts';
export {
  hostMemory,
  type ReferenceKernels,
  type ReferenceOptions,
  reference,
  referenceKernels,
} from './reference.ts';
