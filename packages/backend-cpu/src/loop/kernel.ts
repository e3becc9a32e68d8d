/**
 * Loops, mapped or reduced: block by block, each step of the tape over the whole block. Knows windows, blocks and
 * tapes; what an op does is in the tables.
 */
import type { DType, Launch, Loop, Operand, Ref, TypedArray } from '@ostinato/core/backend';
import { type CpuBuffer, elements, nothing } from '../memory.ts';
import { registerSize, type Workspace } from '../workspace.ts';
import { type Axis, type Block, chooseBlock, collapse } from './axes.ts';
import type { Lane, Op } from './op.ts';
import { type Reducer, reducers } from './reduce.ts';
import { makeTape, type Place, type Tape } from './tape.ts';

export function loopKernel(loop: Loop, workspace: Workspace): Launch<CpuBuffer> {
  if (loop.shape.includes(0)) return () => {};
  const tape = makeTape(loop);
  const windows = windowsOf(loop, tape);
  const axes = collapse(axesOf(loop, windows));
  const isMap = loop.over.length === 0;
  const reads = windows.map((w) => isMap || w.place.kind !== 'out');
  const block = chooseBlock(axes, reads, blockLimit(tape, isMap));
  const lanes = windows.map((w, k) => laneOf(w, block, k));
  const laneAt = (place: Place): Lane => {
    const known = windows.findIndex((w) => samePlace(w.place, place));
    return (lanes[known] as Lane | undefined) ?? blockLane(place, block, workspace);
  };
  const steps = tape.steps.map((s) =>
    makeStep(s.op, [s.output, ...s.inputs].map(laneAt), block.columns),
  );
  const reductions = isMap
    ? []
    : tape.results.map((place, k) => {
        const out = loop.outs[k] as Operand;
        const outLane = laneAt({ kind: 'out', index: k, dtype: out.dtype });
        return reduction(
          reducers[out.dtype as 'float32'][loop.combine],
          laneAt(place),
          outLane,
          block,
        );
      });
  const moving = lanes.filter((_, k) => (windows[k] as Window).operand);
  const nest = makeNest(block, windows, lanes, loop.over.includes(0));
  const bind = binder(windows, lanes);
  return (refs) => {
    bind(refs);
    runNest(nest, steps, reductions);
    // So that a freed buffer is not kept by the kernels that used it.
    for (const lane of moving) lane.data = nothing;
  };
}

/** A window that lanes walk: an arg, an out, or the index along an axis (a table of 0, 1, 2...). */
interface Window {
  readonly place: Place;
  readonly strides: readonly number[];
  readonly operand?: Operand;
  readonly table?: Int32Array;
}

const samePlace = (a: Place, b: Place): boolean =>
  a.kind === b.kind && 'index' in a && 'index' in b && a.index === b.index;

function windowsOf(loop: Loop, tape: Tape): Window[] {
  const sizes = [...loop.shape, ...loop.over];
  const windows: Window[] = loop.outs.map((operand, index) => ({
    place: { kind: 'out', index, dtype: operand.dtype },
    strides: [...operand.strides, ...loop.over.map(() => 0)],
    operand,
  }));
  for (const place of [...tape.steps.flatMap((s) => s.inputs), ...tape.results]) {
    if (windows.some((w) => samePlace(w.place, place))) continue;
    if (place.kind === 'arg') {
      const operand = loop.args[place.index] as Operand;
      windows.push({ place, strides: operand.strides, operand });
    } else if (place.kind === 'axis') {
      const table = Int32Array.from({ length: sizes[place.index] as number }, (_, i) => i);
      windows.push({ place, strides: sizes.map((_, a) => Number(a === place.index)), table });
    }
  }
  return windows;
}

function axesOf(loop: Loop, windows: readonly Window[]): Axis[] {
  return [...loop.shape, ...loop.over].map((size, a) => ({
    size: Math.max(1, size),
    over: a >= loop.shape.length,
    strides: windows.map((w) => w.strides[a] as number),
  }));
}

/** Bytes of registers and constants that should stay in the first cache together with what is loaded and stored. */
const cacheBytes = 24576;

function blockLimit(tape: Tape, isMap: boolean): number {
  const constants = new Set<string>();
  for (const place of [...tape.steps.flatMap((s) => s.inputs), ...tape.results])
    if (place.kind === 'constant') constants.add(`${place.value} ${place.dtype}`);
  const arrays = tape.registers + constants.size;
  if (arrays === 0) return isMap ? Number.POSITIVE_INFINITY : 4 * registerSize;
  return Math.min(registerSize, Math.max(128, Math.floor(cacheBytes / 4 / arrays)));
}

/** The lane of a window. An out that has only rows counts these as columns. */
function laneOf(w: Window, block: Block, k: number): Lane {
  const row = block.row.strides[k] as number;
  const column = block.column.strides[k] as number;
  const data = w.table ?? nothing;
  return w.place.kind === 'out' && block.column.over
    ? { data, at: 0, row: 0, column: row }
    : { data, at: 0, row, column };
}

/** The lane of a value that is as large as a block. */
function blockLane(place: Place, block: Block, workspace: Workspace): Lane {
  const data =
    place.kind === 'constant'
      ? workspace.constant(place.value, place.dtype)
      : workspace.register((place as { index: number }).index, place.dtype);
  return { data, at: 0, row: block.columns, column: 1 };
}

/** An op on lanes; `flat` where the rows of each lane follow one another, so that a block is one run. */
interface BlockStep {
  readonly op: Op;
  readonly flat: boolean;
  readonly lanes: readonly Lane[];
  readonly y: Lane;
  readonly a: Lane;
  readonly b: Lane;
  readonly c: Lane;
}

function makeStep(op: Op, lanes: readonly Lane[], columns: number): BlockStep {
  const [y, a] = lanes as [Lane, Lane];
  const flat = lanes.every((lane) => lane.row === columns * lane.column);
  return { op, flat, lanes, y, a, b: lanes[2] ?? a, c: lanes[3] ?? a };
}

// The three forms of an op, as it is called; `Op` hides which arrays it takes.
type Array = TypedArray;
type Call1 = (...args: [Array, number, number, Array, number, number, number]) => void;
type Call2 = (
  ...args: [
    ...[Array, number, number, Array, number, number, Array, number, number],
    ...[n: number],
  ]
) => void;
type Call3 = (
  ...args: [
    ...[Array, number, number, Array, number, number, Array, number, number],
    ...[Array, number, number, n: number],
  ]
) => void;

function runStep(step: BlockStep, rows: number, columns: number): void {
  if (step.flat || rows === 1) {
    runRow(step, 0, rows * columns);
    return;
  }
  for (let r = 0; r < rows; r++) runRow(step, r, columns);
}

function runRow(step: BlockStep, row: number, n: number): void {
  const { y, a, b, c } = step;
  const p = y.at + row * y.row;
  const q = a.at + row * a.row;
  switch (step.lanes.length) {
    case 2:
      (step.op as Call1)(y.data, p, y.column, a.data, q, a.column, n);
      return;
    case 3: {
      const r = b.at + row * b.row;
      (step.op as Call2)(y.data, p, y.column, a.data, q, a.column, b.data, r, b.column, n);
      return;
    }
    default: {
      const r = b.at + row * b.row;
      const s = c.at + row * c.row;
      const op = step.op as Call3;
      op(y.data, p, y.column, a.data, q, a.column, b.data, r, b.column, c.data, s, c.column, n);
    }
  }
}

/** How a block's values enter their accumulators, and how these reach their out. */
interface Reduction {
  readonly accumulators: TypedArray;
  readonly start: number;
  readonly accumulate: BlockStep;
  readonly finish: BlockStep;
}

function reduction(reducer: Reducer, value: Lane, out: Lane, block: Block): Reduction {
  const rows = block.row.over ? 1 : block.rows;
  const columns = block.column.over ? 1 : block.columns;
  const accumulators = reducer.accumulators(rows * columns);
  const lane = {
    data: accumulators,
    at: 0,
    row: block.row.over ? 0 : columns,
    column: block.column.over ? 0 : 1,
  };
  return {
    accumulators,
    start: reducer.start,
    accumulate: makeStep(reducer.accumulate, [lane, value], block.columns),
    finish: makeStep(
      reducer.finish,
      [out, { data: accumulators, at: 0, row: columns, column: 1 }],
      block.columns,
    ),
  };
}

/** One loop of the nest: how often, and by how much each lane moves. */
interface Digit {
  readonly size: number;
  readonly moves: readonly number[];
  count: number;
}

/** The loops around a block: those over outs, and inside them those that are reduced. */
interface Nest {
  readonly block: Block;
  readonly lanes: readonly Lane[];
  readonly outer: readonly Digit[];
  readonly inner: readonly Digit[];
  readonly outerCount: number;
  readonly innerCount: number;
  /** The digits that count blocks of rows and of columns. */
  readonly row: Digit;
  readonly column: Digit;
}

function makeNest(
  block: Block,
  windows: readonly Window[],
  lanes: readonly Lane[],
  empty: boolean,
): Nest {
  const digit = (axis: Axis, step: number): Digit => ({
    size: Math.ceil(axis.size / step),
    moves: windows.map((_, k) => step * (axis.strides[k] as number)),
    count: 0,
  });
  const row = digit(block.row, block.rows);
  const column = digit(block.column, block.columns);
  const digits = [
    ...block.others.map((axis) => ({ axis, digit: digit(axis, 1) })),
    { axis: block.row, digit: row },
    { axis: block.column, digit: column },
  ];
  const pick = (over: boolean): Digit[] =>
    digits.filter((d) => d.axis.over === over && d.digit.size !== 1).map((d) => d.digit);
  const count = (list: readonly Digit[]): number => list.reduce((n, d) => n * d.size, 1);
  const outer = pick(false);
  const inner = pick(true);
  const innerCount = empty ? 0 : count(inner);
  return { block, lanes, outer, inner, outerCount: count(outer), innerCount, row, column };
}

function runNest(nest: Nest, steps: readonly BlockStep[], reductions: readonly Reduction[]): void {
  const { block, row, column, outerCount, innerCount } = nest;
  for (let o = 0; o < outerCount; o++) {
    for (let k = 0; k < reductions.length; k++) {
      const { accumulators, start } = reductions[k] as Reduction;
      accumulators.fill(start);
    }
    for (let i = 0; i < innerCount; i++) {
      const rows = Math.min(block.rows, block.row.size - row.count * block.rows);
      const columns = Math.min(block.columns, block.column.size - column.count * block.columns);
      for (let k = 0; k < steps.length; k++) runStep(steps[k] as BlockStep, rows, columns);
      for (let k = 0; k < reductions.length; k++)
        runStep((reductions[k] as Reduction).accumulate, rows, columns);
      advance(nest.inner, nest.lanes);
    }
    if (reductions.length > 0) finish(nest, reductions);
    advance(nest.outer, nest.lanes);
  }
}

function finish(nest: Nest, reductions: readonly Reduction[]): void {
  const { block, row, column } = nest;
  const left = block.row.size - row.count * block.rows;
  const rows = block.row.over ? 1 : Math.min(block.rows, left);
  const across = block.column.size - column.count * block.columns;
  const columns = block.column.over ? 1 : Math.min(block.columns, across);
  // Rows alone lie along the columns of the out's lane.
  const alone = block.column.over;
  for (let k = 0; k < reductions.length; k++)
    runStep((reductions[k] as Reduction).finish, alone ? 1 : rows, alone ? rows : columns);
}

/** Counts one up. After the last of all, every digit and lane is back where it began. */
function advance(digits: readonly Digit[], lanes: readonly Lane[]): void {
  for (let d = digits.length - 1; d >= 0; d--) {
    const digit = digits[d] as Digit;
    const { moves } = digit;
    if (++digit.count < digit.size) {
      for (let k = 0; k < lanes.length; k++) (lanes[k] as Lane).at += moves[k] as number;
      return;
    }
    digit.count = 0;
    const back = digit.size - 1;
    for (let k = 0; k < lanes.length; k++) (lanes[k] as Lane).at -= back * (moves[k] as number);
  }
}

/** Points the lanes of operands at the launch's buffers. */
function binder(
  windows: readonly Window[],
  lanes: readonly Lane[],
): (refs: readonly Ref<CpuBuffer>[]) => void {
  const bound = windows.flatMap(({ operand }, k) =>
    operand ? [{ ...operand, lane: lanes[k] as Lane }] : [],
  );
  return (refs) => {
    for (let k = 0; k < bound.length; k++) {
      const { lane, buffer, dtype, offset } = bound[k] as (typeof bound)[number];
      const ref = refs[buffer] as Ref<CpuBuffer>;
      lane.data = elements(ref.buffer.views, dtype as DType);
      lane.at = ref.offset / 4 + offset;
    }
  };
}
