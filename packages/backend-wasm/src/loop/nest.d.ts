/**
 * Loops around loops, with the addresses that move along. Knows axes and windows; knows not what is done at a point.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { type Value } from '../assembler/instructions.ts';
import type { LoopAxis, Plan } from './axes.ts';
/** An address (or an axis' index) that loops advance. */
export interface Cursor {
  readonly local: Local<'i32'>;
  /** Bytes (or indices) from one point of an axis to the next. */
  step(axis: LoopAxis): number;
}
/** Where a window lies: at a cursor, plus bytes. Windows with the same strides in one buffer share a cursor. */
export interface Place {
  readonly cursor: Cursor;
  readonly offset: number;
}
/** How far each cursor went: so that an outer loop can go on from where it started. */
export type Moved = readonly (number | Value<'i32'>)[];
export declare class Nest {
  readonly f: FunctionBuilder;
  readonly places: readonly Place[];
  private readonly cursors;
  /** Sets every cursor to its first point. */
  constructor(f: FunctionBuilder, plan: Plan, buffers: readonly Local<'i32'>[]);
  /** Visits every point of these axes, the first outermost; `inside` says how far it moved the cursors. */
  walk(axes: readonly LoopAxis[], inside: () => Moved): Moved;
  /** Runs `body` n times; a count known only when the code runs may be 0. */
  repeat(n: number | Value<'i32'>, body: () => void): void;
  /** On by n points of an axis, from where `moved` began. */
  advance(axis: LoopAxis, n: number, moved?: Moved): void;
  /** How far the cursors are after `points` of an axis. */
  across(axis: LoopAxis, points?: number): Moved;
  /** Back by as much as the cursors moved. */
  rewind(axis: LoopAxis, moved: Moved): void;
  /** Nothing has moved. */
  still(): Moved;
  private start;
  private skip;
}
//# sourceMappingURL=nest.d.ts.map
