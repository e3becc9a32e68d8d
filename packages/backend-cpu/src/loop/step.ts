/** One op over one block: rows of lanes, or a single run where the rows follow one another. Knows no tape. */
import type { TypedArray } from '@ostinato/core/backend';
import type { Lane, Op } from './op.ts';

/** An op on lanes; `flat` where the rows of each lane follow one another, so that a block is one run. */
export interface BlockStep {
  readonly op: Op;
  readonly flat: boolean;
  readonly lanes: readonly Lane[];
  readonly y: Lane;
  readonly a: Lane;
  readonly b: Lane;
  readonly c: Lane;
}

export function makeStep(op: Op, lanes: readonly Lane[], columns: number): BlockStep {
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

export function runStep(step: BlockStep, rows: number, columns: number): void {
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
