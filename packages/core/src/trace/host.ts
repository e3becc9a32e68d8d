/** The host edge: what counts as a host array, and how it becomes dense elements of one type. Knows no backend. */
import { checkOptions, fail } from '../errors.ts';
import { Tensor } from '../graph/tensor.ts';
import {
  arrays,
  bytesPerElement,
  coerce,
  type DType,
  dtypes,
  type TypedArray,
  viewOf,
} from '../ir/dtype.ts';
import { denseStrides, extent, isDense, type Shape, sizeOf } from '../ir/view.ts';
import { cast, checkType } from '../ops/elementwise.ts';
import { checkShape } from '../ops/views.ts';

/**
 * Anything with `data` and `shape`: a `read()`, npm's ndarray (with `stride` and `offset`), or a record of one's own.
 * Float32Array, Float64Array, Int32Array and Uint32Array give their own type, plain arrays of numbers float32, unless
 * `dtype` is the name of one of ours: that of a plain array's numbers, or bool for a Uint32Array. Other names, which
 * ndarray has too, say nothing.
 */
export interface HostInput {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
  readonly offset?: number;
  readonly dtype?: string;
}

/** Nested arrays of numbers (or booleans), all of one length per level. */
export type Nested = number | boolean | readonly Nested[];

export const isHostInput = (x: unknown): x is HostInput =>
  typeof x === 'object' &&
  x !== null &&
  !(x instanceof Tensor) &&
  'data' in x &&
  'shape' in x &&
  typeof x.data === 'object' &&
  x.data !== null &&
  'length' in x.data &&
  Array.isArray(x.shape);

function dtypeOfHost({ data, dtype }: HostInput): DType {
  const plain = Array.isArray(data);
  const own = dtypes.find((d) => data instanceof arrays[d]);
  if (!own && !plain)
    return fail(
      'host-array',
      `host array: a ${data.constructor.name} has no element type. Convert it: tensor(array, { dtype }).`,
    );
  const named = dtypes.find((d) => d === dtype);
  if (named && !plain && !(data instanceof arrays[named]))
    return fail(
      'host-array',
      `host array: its dtype is ${named}, but its data is a ${data.constructor.name}. Convert it, or leave dtype out.`,
    );
  return named ?? own ?? 'float32';
}

/** Checks a host array and gives its elements, dense and row-major: the same memory where it already is that. */
export function denseHost(
  x: HostInput,
  what = 'host array',
): { data: TypedArray; shape: Shape; dtype: DType } {
  const dtype = dtypeOfHost(x);
  const shape = [...x.shape];
  checkShape(what, shape);
  const strides = x.stride ?? denseStrides(shape);
  const offset = x.offset ?? 0;
  const size = sizeOf(shape);
  if (strides.length !== shape.length || ![offset, ...strides].every(Number.isInteger))
    fail(
      'host-array',
      `${what}: strides [${strides}] from ${offset} for shape [${shape}]. Give whole numbers, a stride per axis.`,
    );
  const { low, high } = extent(shape, strides);
  if (
    !(offset + low >= 0 && offset + high <= x.data.length) ||
    (x.stride === undefined && x.data.length - offset !== size)
  )
    fail(
      'host-array',
      `${what}: shape [${shape}] has ${size} elements, but the data holds ${x.data.length - offset}. Make them equal.`,
    );
  const data = x.data;
  if (isDense(shape, strides) && !Array.isArray(data)) {
    const typed = data as TypedArray;
    if (dtype !== 'bool' || typed.every((v) => v === 0 || v === 1))
      return {
        data: typed.length === size ? typed : typed.subarray(offset, offset + size),
        shape,
        dtype,
      };
  }
  const out = viewOf(dtype, new ArrayBuffer(size * bytesPerElement[dtype]));
  const convert = coerce[dtype];
  let next = 0;
  const copy = (axis: number, at: number): void => {
    if (axis === shape.length) out[next++] = convert(data[at] as number);
    else
      for (let i = 0; i < (shape[axis] as number); i++)
        copy(axis + 1, at + i * (strides[axis] as number));
  };
  copy(0, offset);
  return { data: out, shape, dtype };
}

/**
 * A tensor of host values: nested arrays, a number, or a host array. `dtype` converts; by default numbers are float32
 * and booleans bool; whole types wrap, as typed arrays do. The values are copied. A tensor is cast, and so limited.
 */
export function tensor(
  values: Nested | HostInput | Tensor,
  options: { dtype?: DType | undefined } = {},
): Tensor {
  checkOptions('tensor', options, 'dtype');
  const { dtype } = options;
  if (dtype !== undefined) checkType('tensor', dtype);
  if (values instanceof Tensor) return dtype === undefined ? values : cast(values, dtype);
  const host = isHostInput(values) ? denseAny(values, dtype) : fromNested(values);
  const own = dtype ?? host.dtype;
  const data = viewOf(own, new ArrayBuffer(host.data.length * bytesPerElement[own]));
  const convert = coerce[own];
  for (let i = 0; i < data.length; i++) data[i] = convert(host.data[i] as number);
  return new Tensor({ kind: 'host', data }, host.shape, own, [], 'tensor');
}

/** Like `denseHost`, for any array of numbers; those without an element type of their own become `dtype`s at once. */
function denseAny(
  x: HostInput,
  dtype: DType | undefined,
): { data: ArrayLike<number>; shape: Shape; dtype: DType } {
  if (dtypes.some((d) => x.data instanceof arrays[d])) return denseHost(x, 'tensor');
  const data = Array.from(x.data);
  return denseHost({ ...x, data, ...(dtype && { dtype }) }, 'tensor');
}

function fromNested(values: Nested): { data: number[]; shape: number[]; dtype: DType } {
  const shape: number[] = [];
  for (let v: Nested | undefined = values; Array.isArray(v); v = v[0]) shape.push(v.length);
  checkShape('tensor', shape);
  const data: number[] = [];
  let booleans = true;
  const visit = (v: Nested, depth: number): void => {
    if (Array.isArray(v) && depth < shape.length) {
      if (v.length !== shape[depth])
        fail(
          'host-array',
          `tensor: level ${depth} holds ${v.length} and ${shape[depth]} items. Nested arrays need one length per level.`,
        );
      for (const item of v) visit(item, depth + 1);
      return;
    }
    if (depth !== shape.length || (typeof v !== 'number' && typeof v !== 'boolean'))
      fail(
        'host-array',
        `tensor: found ${nameOf(v)} at depth ${depth}. Nest numbers or booleans, all ${shape.length} deep; give a typed array a shape: tensor({ data, shape }).`,
      );
    if (typeof v === 'number') booleans = false;
    data.push(Number(v));
  };
  visit(values, 0);
  return { data, shape, dtype: booleans ? 'bool' : 'float32' };
}

const nameOf = (v: unknown): string =>
  v === null || typeof v !== 'object' ? typeof v : `an ${v.constructor.name}`;
