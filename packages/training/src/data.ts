/**
 * Examples on the host, and batches of them in buffers that are filled again and again. Knows rows and element types;
 * knows no model. Orders come from `@ostinato/datasets`.
 */
import { fail, flatten, shown, type Tensor } from '@ostinato/core';
import { type HostData, type RowBatch, takeRows } from '@ostinato/datasets';
import { isArrayOrTensor, isHostArray } from './host-tree.ts';
import { classOf } from './require.ts';

/** One array for all examples, dense and row-major. Small integers become int32; with dtype 'bool', 0 and 1. */
export interface HostRows {
  readonly data: HostData;
  /** [N, ...] */
  readonly shape: readonly number[];
  readonly dtype?: string;
}

/** Like the inputs of a model, with host arrays [N, ...] for tensors [B, ...]. */
export type InputRows<X> = X extends Tensor
  ? HostRows
  : X extends object
    ? { readonly [K in keyof X]: InputRows<X[K]> }
    : X;

export interface InputData<X = Tensor> {
  readonly inputs: InputRows<X>;
  /** [N], valid steps of each example, from its first on. Given to the model as `how.lengths`. */
  readonly lengths?: HostRows | undefined;
  /** [N, T], not zero where a step counts. Given to the model as `how.mask`. */
  readonly mask?: HostRows | undefined;
}

export interface TrainingData<X = Tensor> extends InputData<X> {
  /** [N, ...] */
  readonly targets: HostRows;
  /** [N] or [N, T]: how much each example or step counts. Absent: 1 each. */
  readonly weights?: HostRows | undefined;
}

/** What a compiled step sees of a batch; null or absent where the data have none. */
export interface Batch<X = Tensor> {
  readonly inputs: X;
  readonly lengths?: Tensor | null | undefined;
  readonly mask?: Tensor | null | undefined;
  /** Absent in predictions only. */
  readonly targets?: Tensor | null | undefined;
  /** float32 [B] or [B, T], 0 for rows that fill a short batch. */
  readonly weights: Tensor;
}

/** Number of examples; refuses arrays that are not whole, dense and of one number of rows. */
export function countRows(data: InputData<unknown>): number {
  requireFields(data);
  // null or an empty tree is a model without inputs; undefined is a name that was mistyped.
  if (data.inputs === undefined)
    fail('data-invalid', 'data: inputs is undefined. Give { inputs } with arrays [N, ...].');
  const { leaves, shape } = arraysOf(fields(data));
  const first = leaves[0];
  if (!first) return fail('data-invalid', 'data: there are no arrays. Give inputs at least.');
  const rows = first.shape[0];
  leaves.forEach((array, i) => {
    const size = array.shape.reduce((a, b) => a * b, 1);
    if (array.shape[0] !== rows || rows === undefined || rows < 1)
      fail(
        'data-invalid',
        `data: "${shape.paths[i]}" has shape [${array.shape}], "${shape.paths[0]}" has ${rows} rows. Give arrays [N, ...] with one number of rows, at least 1.`,
      );
    if (size === 0)
      fail(
        'data-invalid',
        `data: "${shape.paths[i]}" has shape [${array.shape}], in which an axis is empty. Give at least one step and one feature.`,
      );
    if ('stride' in array || !isNumbers(array.data) || array.data.length !== size)
      fail(
        'data-invalid',
        `data: "${shape.paths[i]}" of shape [${array.shape}] needs ${size} elements in a dense typed array of numbers, got ${classOf(array.data)} of ${array.data.length}. Copy it into one.`,
      );
  });
  checkLengths(data);
  return rows as number;
}

/** Refuses names that nothing here reads: misspelt weights would count 1 each. */
function requireFields(data: unknown): void {
  const names = Object.keys(everyField);
  if (typeof data !== 'object' || data === null)
    fail('data-invalid', `data: is ${shown(data)}. Give a record of ${names.join(', ')}.`);
  for (const name of Object.keys(data))
    if (!names.includes(name))
      fail('data-invalid', `data: there is no place for "${name}". Names are ${names.join(', ')}.`);
}

const everyField: Record<keyof TrainingData, true> = {
  inputs: true,
  targets: true,
  lengths: true,
  mask: true,
  weights: true,
};

/** The arrays of a tree, in which nothing else stands. */
function arraysOf(tree: unknown): ReturnType<typeof flatten<HostRows>> {
  const found = flatten<HostRows>(tree, (x) => isArrayOrTensor(x) || ArrayBuffer.isView(x));
  found.leaves.forEach((x: unknown, i) => {
    if (!isHostArray(x))
      fail(
        'data-invalid',
        `data: "${found.shape.paths[i]}" is a ${classOf(x)}. Give { data, shape } with a typed array; readTree makes that of tensors.`,
      );
  });
  return found;
}

/** Lengths are whole steps, and no more than there are: a model would cut others off without a word. */
function checkLengths({ inputs, lengths }: InputData<unknown>): void {
  if (!lengths) return;
  // [N, features] has no time; ids [N, T] are whole numbers.
  const hasTime = ({ shape, data }: HostRows): boolean =>
    shape.length > 2 || (shape.length === 2 && isWhole(data));
  const times = arraysOf(inputs).leaves.flatMap((x) => (hasTime(x) ? (x.shape[1] as number) : []));
  const steps = times.length > 0 ? Math.max(...times) : Infinity;
  const { data } = lengths;
  const padded = arraysOf(inputs).leaves as readonly { readonly padding?: unknown }[];
  if (padded.some(({ padding }) => padding === 'pre') && !data.every((n) => n === steps))
    fail(
      'data-invalid',
      'data: lengths count steps from the first on, but the inputs are padded on the left. Give { mask: paddingMask(inputs) }, or pad with { padding: "post" }.',
    );
  for (let row = 0; row < data.length; row++) {
    const length = data[row] as number;
    if (!Number.isInteger(length) || length < 0 || length > steps)
      fail(
        'data-invalid',
        `data: "lengths" has ${length} for row ${row}. Give whole numbers from 0 to ${steps}, the steps of the inputs.`,
      );
  }
}

const isNumbers = (data: unknown): boolean =>
  ArrayBuffer.isView(data) && typeof (data as HostData)[0] === 'number';

function fields(data: InputData<unknown>): object {
  const { inputs, lengths = null, mask = null } = data;
  const { targets = null, weights = null } = data as Partial<TrainingData<unknown>>;
  return { inputs, lengths, mask, targets, weights };
}

/** A batch as host arrays: what a compiled function takes for a `Batch`. */
export type HostBatch = object;

/** One set of buffers for batches of `size` rows; each call overwrites what the one before returned. */
export function batchFiller(
  data: InputData<unknown>,
  size: number,
): (indices: ArrayLike<number>) => HostBatch {
  const { leaves, shape } = arraysOf(fields(data));
  const slots = leaves.map((array, i) => slotOf(array, shape.paths[i] as string, size));
  const own = new Float32Array(size);
  const batch = shape.build(slots.map((s) => s.shown)) as { weights: HostRows | null };
  const whole = { ...batch, weights: batch.weights ?? { data: own, shape: [size] } };
  return (indices) => {
    for (const { array, out, fill } of slots) takeRows(array, indices, { rows: size, out, fill });
    own.fill(0).fill(1, 0, indices.length);
    return whole;
  };
}

interface Slot {
  readonly array: HostRows;
  readonly out: RowBatch;
  readonly shown: HostRows;
  /** What fills a short batch: a row that it has, for a model may have no finite slope at zero; of weights nothing. */
  readonly fill: 'repeat' | 'zero';
}

function slotOf(array: HostRows, path: string, size: number): Slot {
  const shape = [size, ...array.shape.slice(1)];
  const length = shape.reduce((a, b) => a * b, 1);
  const isTruth = path === 'mask' || array.dtype === 'bool';
  const isBool = isTruth && path !== 'weights'; // which are numbers for every loss
  // A buffer of bools makes 0 and 1 of whole numbers itself.
  const isAsGiven = !isTruth || (isBool && isWhole(array.data));
  // `set` converts between element types, so a batch may be wider than the array that it is taken from.
  const data = isBool ? new Uint32Array(length) : bufferFor(array, path, length);
  return {
    array: isAsGiven ? array : truths(array),
    out: { data, shape, weights: new Float32Array(size) },
    shown: { data, shape, ...(isBool && { dtype: 'bool' }) },
    fill: path === 'weights' ? 'zero' : 'repeat',
  };
}

/** 0 and 1: conversion to whole numbers would make 0 of a half, and a weight of 255 is not what true means. */
const truths = (array: HostRows): HostRows => ({
  ...array,
  data: Uint8Array.from(array.data, (x) => Number(x !== 0)),
});

const wholes = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
];
const isWhole = (data: HostData): boolean => wholes.some((Data) => data instanceof Data);

function bufferFor(array: HostRows, path: string, length: number): HostData {
  if (path === 'weights') return new Float32Array(length);
  if (path === 'lengths') return new Int32Array(length);
  const { data } = array;
  if (data instanceof Float64Array) return new Float64Array(length);
  if (data instanceof Uint32Array) return new Uint32Array(length);
  return isWhole(data) ? new Int32Array(length) : new Float32Array(length);
}
