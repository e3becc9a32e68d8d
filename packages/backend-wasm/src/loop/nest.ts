/**
 * Loops around loops, with the addresses that move along. Knows axes and windows; knows not what is done at a point.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import type { LoopAxis, Plan, Window } from './axes.ts';

/** Part of one axis of a loop's shape, known when the code runs. */
export interface Range {
  readonly axis: number;
  readonly first: Local<'i32'>;
  readonly count: Local<'i32'>;
}

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

export class Nest {
  readonly f: FunctionBuilder;
  readonly places: readonly Place[];
  readonly #cursors: Cursor[] = [];
  readonly #range: Range | undefined;

  /** Sets every cursor to its first point. */
  constructor(f: FunctionBuilder, plan: Plan, buffers: readonly Local<'i32'>[], range?: Range) {
    this.f = f;
    this.#range = range;
    const axes = [...plan.shape, ...plan.over, plan.vector];
    const ranged = axes.find((a) => a.ranged);
    const groups = new Map<string, number[]>();
    plan.windows.forEach((w, k) => {
      const strides = axes.map((a) => a.strides[k] as number);
      const key = w.kind === 'axis' ? `axis ${w.index}` : `${w.operand.buffer}: ${strides}`;
      groups.set(key, [...(groups.get(key) ?? []), k]);
    });
    const places: Place[] = [];
    for (const members of groups.values()) {
      const [first] = members as [number];
      const w = plan.windows[first] as Window;
      const unit = w.kind === 'axis' ? 1 : 4;
      const step = (a: LoopAxis): number => unit * (a.strides[first] as number);
      const offsets = members.map((k) => offsetOf(plan.windows[k] as Window));
      const from = Math.min(...offsets);
      const moves = axes.some((a) => step(a) !== 0);
      const start = this.#start(w, from, buffers);
      const local =
        moves || w.kind === 'axis'
          ? f.let(nameOf(w), ranged ? this.#skipped(start, step(ranged)) : start)
          : (buffers[w.operand.buffer] as Local<'i32'>);
      const cursor: Cursor = { local, step };
      if (moves) this.#cursors.push(cursor);
      members.forEach((k, i) => {
        places[k] = { cursor, offset: (offsets[i] as number) - (moves ? from : 0) };
      });
    }
    this.places = places;
  }

  /** Visits every point of these axes, the first outermost; `inside` says how far it moved the cursors. */
  walk(axes: readonly LoopAxis[], inside: () => Moved): Moved {
    const [axis, ...rest] = axes;
    if (!axis) return inside();
    this.repeat(axis.ranged ? this.count() : axis.size, () => {
      const moved = this.walk(rest, inside);
      this.advance(axis, 1, moved);
    });
    return this.across(axis);
  }

  /** How many points of the range's axis are run. */
  count(): Value<'i32'> {
    return this.f.get((this.#range as Range).count);
  }

  /** Runs `body` n times; a count known only when the code runs may be 0. */
  repeat(n: number | Value<'i32'>, body: () => void): void {
    if (typeof n === 'number') this.f.times(n, body);
    else {
      const count = this.f.let('count', n);
      this.f.if(this.f.get(count), () => this.f.times(this.f.get(count), body));
    }
  }

  /** On by n points of an axis, from where `moved` began. */
  advance(axis: LoopAxis, n: number, moved?: Moved): void {
    this.#cursors.forEach((c, k) => {
      const back = moved?.[k] ?? 0;
      const by = n * c.step(axis);
      if (typeof back === 'number') this.f.advance(c.local, by - back);
      else this.f.advance(c.local, i32.op('sub', i32.const(by), back));
    });
  }

  /** On by as many points of an axis as are known when the code runs. */
  skip(axis: LoopAxis, n: Value<'i32'>): void {
    for (const c of this.#cursors) this.f.advance(c.local, i32.mul(n, c.step(axis)));
  }

  /** How far the cursors are after `points` of an axis. */
  across(axis: LoopAxis, points = axis.size): Moved {
    return this.#cursors.map((c) => {
      const step = c.step(axis);
      return axis.ranged && step !== 0 ? i32.mul(this.count(), step) : step * points;
    });
  }

  /** Back by as much as the cursors moved. */
  rewind(axis: LoopAxis, moved: Moved): void {
    this.advance(axis, 0, moved);
  }

  /** Nothing has moved. */
  still(): Moved {
    return this.#cursors.map(() => 0);
  }

  #start(w: Window, from: number, buffers: readonly Local<'i32'>[]): Value<'i32'> {
    if (w.kind === 'axis') return i32.const(0);
    return i32.add(this.f.get(buffers[w.operand.buffer] as Local<'i32'>), from);
  }

  #skipped(start: Value<'i32'>, step: number): Value<'i32'> {
    if (!this.#range || step === 0) return start;
    return i32.add(start, i32.mul(this.f.get(this.#range.first), step));
  }
}

const offsetOf = (w: Window): number => (w.kind === 'axis' ? 0 : 4 * w.operand.offset);

const nameOf = (w: Window): string =>
  w.kind === 'axis' ? `axis${w.index}` : `${w.kind === 'arg' ? 'in' : 'out'}${w.index}`;
