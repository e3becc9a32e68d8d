/**
 * The loops around a block: lanes move, steps run, and what is reduced gathers in accumulators between. Knows blocks
 * and steps; knows no expressions and no buffers.
 */
import type { Axis, TypedArray } from '@ostinato/core/backend';
import type { Block } from './axes.ts';
import type { Lane } from './op.ts';
import type { Reducer } from './reduce.ts';
import { type BlockStep, makeStep, runStep } from './step.ts';

/** How a block's values enter their accumulators, and how these reach their out. */
export interface Reduction {
  readonly accumulators: TypedArray;
  readonly start: number;
  readonly accumulate: BlockStep;
  readonly finish: BlockStep;
}

export function reduction(reducer: Reducer, value: Lane, out: Lane, block: Block): Reduction {
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
export interface Nest {
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

export function makeNest(block: Block, lanes: readonly Lane[], empty: boolean): Nest {
  const digit = (axis: Axis, step: number): Digit => ({
    size: Math.ceil(axis.size / step),
    moves: axis.strides.map((stride) => step * stride),
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

export function runNest(
  nest: Nest,
  steps: readonly BlockStep[],
  reductions: readonly Reduction[],
): void {
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
