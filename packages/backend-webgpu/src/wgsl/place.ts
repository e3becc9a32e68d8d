/**
 * Where values lie, and the index expressions that reach them. A place may move with the steps of the time loops around a
 * kernel. Knows WGSL's arrays; knows no instruction.
 */
import type { DType } from '@ostinato/core/backend';
import { type Stored, typeNames } from './expression.ts';
import type { KernelWriter } from './writer.ts';

/** How far a place moves with the step number of one time loop: always, and where that number is odd. */
export interface Move {
  readonly level: number;
  readonly perStep: number;
  readonly whenOdd: number;
}

/** In a device buffer, in elements from its start. */
export interface StoragePlace {
  readonly memory: 'storage';
  readonly buffer: string;
  readonly offset: number;
  readonly moves: readonly Move[];
}

/** In workgroup memory: row after row of the tile, or, `rowSize` 0, once for all rows. Nothing in it depends on T or B. */
export interface LocalPlace {
  readonly memory: 'workgroup';
  readonly array: string;
  readonly float: boolean;
  readonly offset: number;
  readonly rowSize: number;
  readonly whenOdd: number;
}

export type Place = StoragePlace | LocalPlace;

/** A row of the tile: its number there, and in the whole batch. */
export interface RowNames {
  readonly inTile: string;
  readonly inBatch: string;
}

/** The row axis of a walk. */
export interface RowStride {
  readonly names: RowNames;
  readonly stride: number;
}

/** One axis of a walk: the name of its index, and the stride of a window along it. */
export interface Along {
  readonly index: string;
  readonly stride: number;
}

/** Names the step number of a time loop around an instruction; of the innermost one where no level is asked for. */
export type Clock = (level?: number) => string;

/** A window's array, element type and first index, as far as it does not depend on the point. */
export interface Base {
  readonly array: string;
  /** The array holds floats; else words. */
  readonly float: boolean;
  /** Four at a time. */
  readonly vector: boolean;
  readonly dtype: DType;
  readonly start: string;
  readonly place: Place;
  /** Parameters that hold its strides. */
  readonly strides: Map<number, string>;
}

/** Emits what all points share of a window's index. */
export function emitBase(
  w: KernelWriter,
  place: Place,
  dtype: DType,
  offset: number,
  clock: Clock,
): Base {
  const terms: string[] = [];
  if (place.memory === 'workgroup') {
    terms.push(`${place.offset + offset}u`);
    if (place.whenOdd !== 0) terms.push(oddly(clock, place.whenOdd));
    const { array, float } = place;
    return { array, float, vector: false, dtype, start: sum(terms), place, strides: new Map() };
  }
  const { name, float, vector } = w.storage(place.buffer);
  terms.push(w.param(place.offset + offset));
  for (const { level, perStep, whenOdd } of place.moves) {
    if (perStep !== 0) terms.push(`${clock(level)} * ${w.param(perStep)}`);
    if (whenOdd !== 0) terms.push(`(${clock(level)} & 1u) * ${w.param(whenOdd)}`);
  }
  const start = w.let('at', sum(terms));
  return { array: name, float, vector, dtype, start, place, strides: new Map() };
}

/** A carry has two places in workgroup memory: `size` behind the first, or before the second. */
const oddly = (clock: Clock, size: number): string =>
  size > 0 ? `(${clock()} & 1u) * ${size}u` : `0u - (${clock()} & 1u) * ${-size}u`;

const sum = (terms: readonly string[]): string =>
  terms.filter((t) => t !== '0u').join(' + ') || '0u';

/** The index of one point. Strides in storage are parameters, those in workgroup memory literals. */
export function indexOf(
  w: KernelWriter,
  { start, place, strides }: Base,
  along: readonly Along[],
  row?: RowStride,
): string {
  const times = (index: string, stride: number): string[] => {
    if (stride === 0 || index === '0u') return [];
    if (stride === 1) return [index];
    if (place.memory === 'workgroup') return [`${index} * ${stride >>> 0}u`];
    const known = strides.get(stride) ?? w.param(stride);
    strides.set(stride, known);
    return [`${index} * ${known}`];
  };
  const terms = [start, ...along.flatMap(({ index, stride }) => times(index, stride))];
  if (row && row.stride !== 0)
    terms.push(
      ...(place.memory === 'workgroup'
        ? times(row.names.inTile, place.rowSize)
        : times(row.names.inBatch, row.stride)),
    );
  return sum(terms);
}

export function load({ array, float, vector, dtype }: Base, index: string): string {
  if (vector) throw new Error('an array of vectors is read four at a time');
  const word = `${array}[${index}]`;
  if (dtype === 'float32') return float ? word : `bitcast<f32>(${word})`;
  if (dtype === 'bool') return `(${word} != 0u)`;
  return dtype === 'uint32' ? word : `bitcast<${typeNames[dtype as Stored]}>(${word})`;
}

export function store({ array, float, dtype }: Base, index: string, value: string): string {
  const to = `${array}[${index}]`;
  if (dtype === 'float32') return `${to} = ${float ? value : `bitcast<u32>(${value})`};`;
  if (dtype === 'bool') return `${to} = select(0u, 1u, ${value});`;
  return `${to} = ${dtype === 'uint32' ? value : `bitcast<u32>(${value})`};`;
}

/** Four floats that lie side by side, from a multiple of 4 on where the array is one of vectors. */
export function load4(w: KernelWriter, base: Base, index: string): string {
  if (base.vector) {
    const vector = `${base.array}[(${index}) >> 2u]`;
    return base.float ? vector : `bitcast<vec4<f32>>(${vector})`;
  }
  const first = w.let('first', index);
  const at = (k: number): string => load(base, k === 0 ? first : `${first} + ${k}u`);
  return `vec4<f32>(${[0, 1, 2, 3].map(at).join(', ')})`;
}

export function store4(w: KernelWriter, base: Base, index: string, value: string): string {
  if (base.vector) {
    const vector = base.float ? value : `bitcast<vec4<u32>>(${value})`;
    return `${base.array}[(${index}) >> 2u] = ${vector};`;
  }
  const first = w.let('first', index);
  const one = (k: number): string =>
    store(base, k === 0 ? first : `${first} + ${k}u`, `${value}.${'xyzw'[k]}`);
  return [0, 1, 2, 3].map(one).join(' ');
}
