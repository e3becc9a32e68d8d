/**
 * What an array is on the host: a typed array and a shape. Knows no tensor. Core takes the same record as
 * input where it has the type of the elements; `tensor(array, { dtype })` converts the others.
 */

export type HostData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray; // a canvas' pixels

/** Dense, last axis fastest; `data.length` is the product of `shape`. */
export interface HostArray<T extends HostData = HostData> {
  readonly data: T;
  readonly shape: readonly number[];
}

/** Elements in one step of the first axis: the product of the other axes, 1 for a vector. */
export function rowSize(shape: readonly number[]): number {
  return shape.slice(1).reduce((size, axis) => size * axis, 1);
}
