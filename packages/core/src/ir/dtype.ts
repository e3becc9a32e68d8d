/** Element types: how wide they are and how a number becomes a valid element. Knows no tensor. */

/** `bool` is stored as a uint32 that is 0 or 1; `float64` exists on the reference backend only. */
export type DType = 'float32' | 'int32' | 'uint32' | 'bool' | 'float64';

export const dtypes: readonly DType[] = ['float32', 'int32', 'uint32', 'bool', 'float64'];

export const bytesPerElement: { readonly [D in DType]: number } = {
  float32: 4,
  int32: 4,
  uint32: 4,
  bool: 4,
  float64: 8,
};

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';
export const isInteger = (dtype: DType): boolean => dtype === 'int32' || dtype === 'uint32';

/** The element of `dtype` that a number stands for: rounded, wrapped to 32 bits, or 0 and 1. */
export const coerce: { readonly [D in DType]: (x: number) => number } = {
  float32: Math.fround,
  int32: (x) => x | 0,
  uint32: (x) => x >>> 0,
  // Not `x ? 1 : 0`: NaN is not zero, so it is true.
  bool: (x) => (x === 0 ? 0 : 1),
  float64: (x) => x,
};

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array;

/** What elements of each type are kept in. */
export const arrays: {
  readonly [D in DType]: new (
    buffer: ArrayBufferLike,
    byteOffset?: number,
    count?: number,
  ) => TypedArray;
} = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint32Array,
};

/** A typed view of `count` elements of `dtype` from a byte offset of a buffer. */
export const viewOf = (
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset?: number,
  count?: number,
): TypedArray => new arrays[dtype](buffer, byteOffset, count);

/** The bytes of a view: the same memory. */
export const bytesOfView = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * A copy of bytes: in `into` while it has as many, otherwise in memory of its own. The caller's array may have been
 * transferred or resized while a device was still busy.
 */
export function copied(bytes: Uint8Array, into?: Uint8Array): Uint8Array {
  // Not slice(): it writes zeros first, and Node's Buffer would share its bytes.
  if (into?.length !== bytes.length) return new Uint8Array(bytes);
  into.set(bytes);
  return into;
}

/**
 * Converts between element types as a `cast` expression does: floats to integers truncate toward zero and saturate
 * (NaN becomes 0), integers wrap among themselves, everything non-zero is true.
 */
export function castElement(x: number, from: DType, to: DType): number {
  if (isFloat(from) && to === 'int32') return saturate(x, -2147483648, 2147483647);
  if (isFloat(from) && to === 'uint32') return saturate(x, 0, 4294967295);
  return coerce[to](x);
}

const saturate = (x: number, low: number, high: number): number =>
  Number.isNaN(x) ? 0 : Math.min(high, Math.max(low, Math.trunc(x))) + 0; // no -0 among integers
