/**
 * What a backend sees: strided loops, products and scans over flat buffers. Plain data; no graph, no gradient. The
 * contract between core and every backend: what is stated here may be relied on, and nothing else.
 */
import type { DType } from './dtype.ts';
import type { Expr } from './expr.ts';

/**
 * A strided window, counted in elements of its slot's type, with one stride per axis of the instruction. `buffer`
 * indexes the instruction's `buffers` and `offset` counts from that buffer's ref; `slot` says which value it is.
 */
export interface Operand {
  readonly slot: number;
  readonly buffer: number;
  readonly dtype: DType;
  readonly offset: number;
  readonly strides: readonly number[];
}

export type Access = 'read' | 'write' | 'readwrite';

/** A buffer that an instruction touches: one slot, or (planned) the arena that holds one or more of its slots. */
export interface BufferUse {
  readonly source: 'slot' | 'arena';
  readonly index: number;
  readonly access: Access;
}

export type Combine = 'sum' | 'max' | 'min';

/**
 * outs[k][i] = body[k](args[i]); with `over`, outs[k][i] = combine over j of body[k](args[i, j]). Args have strides for
 * shape and over, outs for shape only. An out may be the very window of an arg (same offset and strides): each point
 * reads before it writes. The order of a sum is the backend's, but fixed by the shapes alone. Max and min give NaN
 * where any element is NaN.
 */
export interface Loop {
  readonly kind: 'loop';
  readonly buffers: readonly BufferUse[];
  readonly shape: readonly number[];
  readonly over: readonly number[];
  readonly combine: Combine;
  readonly args: readonly Operand[];
  readonly body: readonly Expr[];
  readonly outs: readonly Operand[];
}

/** out[i] = sum over j of a[i, j] * b[i, j]; a stride is 0 where an operand lacks the axis. The out overlaps no arg. */
export interface Contract {
  readonly kind: 'contract';
  readonly buffers: readonly BufferUse[];
  readonly shape: readonly number[];
  readonly over: readonly number[];
  readonly args: readonly [a: Operand, b: Operand];
  readonly outs: readonly [Operand];
}

/**
 * out[i, d] = table[index[i], d]; an index outside 0..rows-1 reads 0. Strides: table [row, d], index [i], out [i, d].
 */
export interface Gather {
  readonly kind: 'gather';
  readonly buffers: readonly BufferUse[];
  readonly rows: number;
  readonly shape: readonly [n: number, d: number];
  readonly args: readonly [table: Operand, index: Operand];
  readonly outs: readonly [Operand];
}

/**
 * out = 0, then out[index[i], d] += x[i, d] in the order of i; an index outside 0..rows-1 is dropped. Strides:
 * x [i, d], index [i], out [row, d]. `shape` is that of x.
 */
export interface Scatter {
  readonly kind: 'scatter';
  readonly buffers: readonly BufferUse[];
  readonly rows: number;
  readonly shape: readonly [n: number, d: number];
  readonly args: readonly [x: Operand, index: Operand];
  readonly outs: readonly [Operand];
}

/** Each row of the batch runs the whole time loop alone. Offered so that a backend may tile or split by rows. */
export interface Rows {
  readonly count: number;
  /** Which of the body's inputs and outputs have rows (as axis 0 of their window). */
  readonly inputs: readonly boolean[];
  readonly outputs: readonly boolean[];
  /**
   * Per body instruction: which of its axes is the row axis; null where all rows share what it computes. It is one or the
   * other for all that an instruction writes, and what rows share they read with stride 0 along that axis.
   */
  readonly axis: readonly (number | null)[];
  /** Per body slot: elements from one row to the next; null where rows share it. */
  readonly stride: readonly (number | null)[];
}

/**
 * carry = init; for each step t: (carry, ys[t]) = body(consts, carry, xs[t]); finals = carry. The body's inputs are
 * consts, carry, xs in this order, its outputs carry, ys. Operands have no strides but xs and ys: theirs is the one
 * of time. Carries are dense, may be read after their next value is written (so their places alternate), and
 * `finals` may share a place with `init`; `ys` overlap nothing.
 */
export interface Scan {
  readonly kind: 'scan';
  readonly buffers: readonly BufferUse[];
  readonly label: string;
  readonly length: number;
  readonly reverse: boolean;
  readonly body: Program;
  readonly consts: readonly Operand[];
  readonly init: readonly Operand[];
  readonly xs: readonly Operand[];
  readonly finals: readonly Operand[];
  readonly ys: readonly Operand[];
  /** Undefined: rows mix, and `why` says where. */
  readonly rows?: Rows;
  readonly why?: string;
}

export type Instr = Loop | Contract | Gather | Scatter | Scan;

/** A flat buffer of `size` elements: the caller's (an input or output), or scratch at a byte offset of an arena. */
export interface Slot {
  readonly dtype: DType;
  readonly size: number;
  readonly label: string;
  readonly arena?: number;
  readonly offset?: number;
}

/** A slot in both `inputs` and `outputs` is donated: the caller passes one buffer for both. No slot has size 0. */
export interface Program {
  readonly slots: readonly Slot[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Bytes of each arena. */
  readonly scratch: readonly number[];
  readonly code: readonly Instr[];
}

export const argsOfInstr = (i: Instr): readonly Operand[] =>
  i.kind === 'scan' ? [...i.consts, ...i.init, ...i.xs] : i.args;

export const outsOfInstr = (i: Instr): readonly Operand[] =>
  i.kind === 'scan' ? [...i.finals, ...i.ys] : i.outs;
