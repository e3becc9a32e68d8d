/**
 * Reads as npm ndarrays. An entry of its own, because that package is CommonJS and builds its classes with
 * `new Function`, which a strict content security policy forbids.
 */
import ndarray, { type NdArray } from 'ndarray';
import type { HostArray } from './graph/tensor.ts';
import type { TypedArray } from './ir/dtype.ts';

/** The same memory as the read, as an ndarray. */
export const toNdarray = (array: HostArray): NdArray<TypedArray> =>
  ndarray(array.data, [...array.shape]);
