/** Loops that move addresses along axes. Knows no product. */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';

/** What a loop moves: addresses in a, b and the out. */
export interface Cursor {
  readonly a: Local<'i32'>;
  readonly b: Local<'i32'>;
  readonly out: Local<'i32'>;
}

/** A part of an axis, known when the code runs. */
export interface Range {
  readonly first: Local<'i32'>;
  readonly count: Local<'i32'>;
  /** What the count may be; anything up to the whole unless given. */
  readonly shares?: readonly number[] | undefined;
}

/** An axis with the bytes by which each address moves. */
export interface Steps {
  readonly size: number;
  readonly a: number;
  readonly b: number;
  readonly out: number;
  readonly range?: Range | undefined;
}

/** Runs `body` for each index of the axes, the first outermost. The addresses given stay as they are. */
export function overAxes(
  f: FunctionBuilder,
  axes: readonly Steps[],
  from: Cursor,
  body: (cursor: Cursor) => void,
): void {
  const [axis, ...inner] = axes;
  if (!axis) {
    body(from);
    return;
  }
  const { range } = axis;
  if (axis.size === 1 && !range) {
    overAxes(f, inner, from, body);
    return;
  }
  const cursor = range ? ahead(f, from, axis, f.get(range.first)) : copy(f, from);
  f.times(range ? f.get(range.count) : axis.size, () => {
    overAxes(f, inner, cursor, body);
    move(f, cursor, axis);
  });
}

export const copy = (f: FunctionBuilder, { a, b, out }: Cursor): Cursor => ({
  a: f.let('a', f.get(a)),
  b: f.let('b', f.get(b)),
  out: f.let('out', f.get(out)),
});

/** A copy that is `n` steps ahead. */
export const ahead = (
  f: FunctionBuilder,
  { a, b, out }: Cursor,
  steps: Omit<Steps, 'size'>,
  n: Value<'i32'>,
): Cursor => ({
  a: f.let('a', i32.add(f.get(a), i32.mul(n, steps.a))),
  b: f.let('b', i32.add(f.get(b), i32.mul(n, steps.b))),
  out: f.let('out', i32.add(f.get(out), i32.mul(n, steps.out))),
});

export function move(f: FunctionBuilder, cursor: Cursor, steps: Omit<Steps, 'size'>): void {
  f.advance(cursor.a, steps.a);
  f.advance(cursor.b, steps.b);
  f.advance(cursor.out, steps.out);
}

/** Immediate offsets cannot be negative: what to add to the address so that none is. */
export const lowest = (...offsets: readonly number[]): number => Math.min(0, ...offsets);
