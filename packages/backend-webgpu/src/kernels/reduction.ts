/**
 * Combining many terms into few values: each value by one thread, or by several that share its terms and then meet, in an
 * order that depends on the shapes and the device alone: in a tree in workgroup memory, or first within subgroups. Knows
 * threads; what a term is, it is told.
 */
import type { Axis, Combine, DType } from '@ostinato/core/backend';
import { combine, type Stored, typeNames } from '../wgsl/expression.ts';
import type { RowNames } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import {
  decompose,
  emitPoints,
  emitRow,
  groupNumber,
  type Part,
  type Space,
  sizeOfAll,
} from './space.ts';

export interface Reduction {
  readonly outer: readonly Axis[];
  readonly hasRows: boolean;
  readonly space: Space;
  /** Element types of the values. */
  readonly types: readonly DType[];
  readonly combine: Combine;
  /** Emits all terms of one part at one point, and calls `add` with the values of each. */
  terms(
    indices: readonly string[],
    row: RowNames | undefined,
    part: Part,
    add: (values: readonly string[]) => void,
  ): void;
  write(indices: readonly string[], row: RowNames | undefined, values: readonly string[]): void;
}

export function emitReduction(w: KernelWriter, reduction: Reduction): number {
  const { outer, hasRows, space } = reduction;
  const values = sizeOfAll(outer) * (space.kind === 'tile' && hasRows ? space.rows : 1);
  const parts = partsFor(w.threads, outer.length === 0, values, space);
  if (parts > 1) return emitShared(w, reduction, values, parts);
  return emitPoints(w, outer, hasRows, space, (indices, row) => {
    const totals = emitTotals(w, reduction);
    emitTerms(w, reduction, totals, indices, row, { number: '0u', of: 1 });
    reduction.write(indices, row, totals);
  });
}

/** How many threads share the terms of one value. Over the grid sizes have no say: others make no other kernel. */
function partsFor(threads: number, single: boolean, values: number, space: Space): number {
  if (space.kind === 'tile') return Math.max(1, threads / 2 ** Math.ceil(Math.log2(values)));
  return single ? threads : space.parts;
}

/** A variable per value, at what changes nothing. */
function emitTotals(w: KernelWriter, { types, combine: how }: Reduction): string[] {
  return types.map((dtype) => {
    const name = w.name('total');
    w.emit(`var ${name}: ${typeNames[dtype as Stored]} = ${identity(w, how, dtype)};`);
    return name;
  });
}

function identity(w: KernelWriter, how: Combine, dtype: DType): string {
  const most = how === 'min';
  if (dtype === 'float32')
    return how === 'sum' ? '0.0f' : w.floatParam(most ? Number.POSITIVE_INFINITY : -Infinity);
  if (dtype === 'bool') return String(most);
  if (how === 'sum') return dtype === 'int32' ? '0i' : '0u';
  if (dtype === 'uint32') return most ? '0xffffffffu' : '0u';
  return most ? '0x7fffffff' : 'bitcast<i32>(0x80000000u)';
}

function addTo(
  w: KernelWriter,
  { types, combine: how }: Reduction,
  totals: readonly string[],
  terms: readonly string[],
): void {
  totals.forEach((total, k) => {
    w.emit(`${total} = ${combine(w, how, types[k] as DType, total, terms[k] as string)};`);
  });
}

/** Terms of a sum, and sums of so many, that are added up one after another: a power of 2. */
const TERMS = 64;

/**
 * Adds all terms of one part. Sums of floats over the grid, where there may be millions of terms, go through sums of a few
 * dozen, and through sums of those: one after another, each would be rounded to the whole sum's last bit.
 */
function emitTerms(
  w: KernelWriter,
  reduction: Reduction,
  totals: readonly string[],
  indices: readonly string[],
  row: RowNames | undefined,
  part: Part,
): void {
  const { types, combine: how, space } = reduction;
  if (space.kind === 'tile' || how !== 'sum' || !types.includes('float32')) {
    reduction.terms(indices, row, part, (terms) => addTo(w, reduction, totals, terms));
    return;
  }
  const [few, many] = [emitTotals(w, reduction), emitTotals(w, reduction)];
  const count = w.name('count');
  w.emit(`var ${count} = 0u;`);
  const empty = (from: readonly string[], to: readonly string[]): void => {
    addTo(w, reduction, to, from);
    from.forEach((name, k) => {
      w.emit(`${name} = ${identity(w, how, types[k] as DType)};`);
    });
  };
  const every = (n: number, then: () => void): void =>
    w.block(`if ((${count} & ${n - 1}u) == 0u)`, then);
  reduction.terms(indices, row, part, (terms) => {
    addTo(w, reduction, few, terms);
    w.emit(`${count}++;`);
    every(TERMS, () => {
      empty(few, many);
      every(TERMS * TERMS, () => empty(many, totals));
    });
  });
  addTo(w, reduction, totals, many);
  addTo(w, reduction, totals, few);
}

function emitShared(w: KernelWriter, reduction: Reduction, values: number, parts: number): number {
  const { outer, hasRows, space } = reduction;
  const lanes = w.threads / parts;
  const lane = w.let('lane', `thread % ${lanes}u`);
  const part = w.let('part', `thread / ${lanes}u`);
  const points = sizeOfAll(outer);
  // Which value this thread works on, and whether there is one.
  let id = lane;
  let row: RowNames | undefined;
  let exists: string;
  if (space.kind === 'grid') {
    id = w.let('id', `${groupNumber(w)} * ${lanes}u + ${lane}`);
    exists = w.let('exists', `${id} < ${w.param(values)}`);
  } else if (hasRows) {
    const inTile = w.let('r', `${lane} / ${points}u`);
    exists = w.let('exists', `${lane} < ${values}u && ${inTile} < rows`);
    row = emitRow(w, inTile);
    id = points === 1 ? '0u' : w.let('point', `${lane} % ${points}u`);
  } else exists = w.let('exists', `${lane} < ${values}u`);
  const indices = decompose(w, id, outer, space);
  const totals = emitTotals(w, reduction);
  w.block(`if (${exists})`, () =>
    emitTerms(w, reduction, totals, indices, row, { number: part, of: parts }),
  );
  const meeting: Meeting = { reduction, totals, part, lanes, parts };
  if (w.subgroups) emitMeetingOfSubgroups(w, meeting);
  else emitMeetingInTree(w, meeting);
  w.block(`if (${part} == 0u && ${exists})`, () => reduction.write(indices, row, totals));
  return Math.ceil(values / lanes);
}

/** What the threads of each value bring along. Behind it the totals of part 0 are complete. */
interface Meeting {
  readonly reduction: Reduction;
  readonly totals: readonly string[];
  readonly part: string;
  readonly lanes: number;
  readonly parts: number;
}

/** A thread's totals, for the others to read behind the barrier. */
function emitShow(w: KernelWriter, { reduction: { types }, totals }: Meeting): string[] {
  const arrays = types.map((dtype, k) => w.scratchArray(typeNames[dtype as Stored], k));
  arrays.forEach((array, k) => {
    w.emit(`${array}[thread] = ${totals[k]};`);
  });
  w.emit('workgroupBarrier();');
  return arrays;
}

function emitMeetingInTree(w: KernelWriter, meeting: Meeting): void {
  const { reduction, totals, part, lanes, parts } = meeting;
  const { types, combine: how } = reduction;
  const arrays = emitShow(w, meeting);
  const half = w.name('half');
  w.block(`for (var ${half} = ${parts / 2}u; ${half} > 0u; ${half} >>= 1u)`, () => {
    w.block(`if (${part} < ${half})`, () =>
      arrays.forEach((array, k) => {
        const [a, b] = [`${array}[thread]`, `${array}[thread + ${half} * ${lanes}u]`];
        w.emit(`${a} = ${combine(w, how, types[k] as DType, a, b)};`);
      }),
    );
    w.emit('workgroupBarrier();');
  });
  w.block(`if (${part} == 0u)`, () =>
    arrays.forEach((array, k) => {
      w.emit(`${totals[k]} = ${array}[thread];`);
    }),
  );
}

/**
 * Neighbours in a subgroup first, without a barrier; then part 0 takes one total of each subgroup. A subgroup may be
 * smaller than the distance of two parts: then each part counts by itself.
 */
function emitMeetingOfSubgroups(w: KernelWriter, meeting: Meeting): void {
  const { reduction, totals, part, lanes } = meeting;
  const size = w.subgroupSize();
  const distance = w.name('distance');
  w.block(`for (var ${distance} = ${lanes}u; ${distance} < ${size}; ${distance} <<= 1u)`, () => {
    const others = totals.map((total, k) =>
      w.let('other', shuffled(reduction.types[k] as DType, total, distance)),
    );
    addTo(w, reduction, totals, others);
  });
  const arrays = emitShow(w, meeting);
  const apart = w.let('apart', `max(${size}, ${lanes}u)`);
  w.block(`if (${part} == 0u)`, () => {
    const k = w.name('k');
    w.block(`for (var ${k} = thread + ${apart}; ${k} < ${w.threads}u; ${k} += ${apart})`, () =>
      addTo(
        w,
        reduction,
        totals,
        arrays.map((array) => `${array}[${k}]`),
      ),
    );
  });
}

/** The value of the thread that many further, or back. */
const shuffled = (dtype: DType, value: string, distance: string): string =>
  dtype === 'bool'
    ? `subgroupShuffleXor(select(0u, 1u, ${value}), ${distance}) != 0u`
    : `subgroupShuffleXor(${value}, ${distance})`;
