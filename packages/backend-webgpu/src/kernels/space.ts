/**
 * How the points of an instruction are dealt out to threads: one each over the whole grid, or, in a time loop inside the
 * kernel, round and round over a tile of rows. Knows axes and threads; knows no expression.
 */
import { type Axis, collapse } from '@ostinato/core/backend';
import type { Clock, Place, RowNames } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';

/** The whole grid: sizes are parameters. */
export interface Grid {
  readonly kind: 'grid';
  /** Threads that share the terms of each of many values; a single value takes a whole workgroup. */
  readonly parts: number;
}

/** One workgroup and its rows: sizes of all other axes are literals. */
export interface Tile {
  readonly kind: 'tile';
  /** Rows per workgroup. */
  readonly rows: number;
  /** Which axis of the instruction is the row axis; null where all rows share what it computes. */
  readonly axis: number | null;
}

export type Space = Grid | Tile;

/** What an instruction needs to know of where it stands. */
export interface Context {
  place(slot: number): Place;
  readonly clock: Clock;
  readonly space: Space;
}

/** An instruction's axes for a set of windows: the row axis apart, the others joined. */
export interface Axes {
  readonly row: Axis | null;
  readonly outer: readonly Axis[];
  readonly over: readonly Axis[];
}

/** `strides[k]` lists one stride per axis of `shape` and then `over`, for window k. */
export function axesFor(
  shape: readonly number[],
  over: readonly number[],
  strides: readonly (readonly number[])[],
  space: Space,
): Axes {
  const all = [...shape, ...over].map(
    (size, axis): Axis => ({
      size,
      over: axis >= shape.length,
      strides: strides.map((s) => s[axis] ?? 0),
    }),
  );
  const rowAxis = space.kind === 'tile' ? space.axis : null;
  const row = rowAxis === null ? null : (all[rowAxis] as Axis);
  const joined = collapse(all.filter((a) => a !== row));
  return {
    row,
    outer: joined.filter((a) => !a.over),
    over: joined.filter((a) => a.over),
  };
}

export const sizeOfAll = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.size, 1);

/** The axis along which window `k` is dense comes last, so that neighbouring threads touch neighbouring elements. */
export function orderFor(axes: readonly Axis[], k: number): Axis[] {
  const step = (a: Axis): number => Math.abs(a.strides[k] as number) || Number.POSITIVE_INFINITY;
  return axes.toSorted((a, b) => step(b) - step(a));
}

/** A size as it stands in the text. */
export const sizeText = (w: KernelWriter, space: Space, size: number): string =>
  space.kind === 'grid' ? w.param(size) : `${size}u`;

/** The number of this workgroup: more than 65,535 of them lie in two dimensions. */
export const groupNumber = (w: KernelWriter): string =>
  w.let('groupId', 'group.y * groups.x + group.x');

/** Takes a point's number apart: one index per axis, the last axis fastest. */
export function decompose(
  w: KernelWriter,
  point: string,
  axes: readonly Axis[],
  space: Space,
): string[] {
  const names: string[] = new Array(axes.length);
  let rest = point;
  for (let k = axes.length - 1; k >= 0; k--) {
    if (k === 0) {
      names[k] = rest;
      break;
    }
    const size = w.let('n', sizeText(w, space, (axes[k] as Axis).size));
    names[k] = w.let('i', `${rest} % ${size}`);
    rest = w.let('rest', `${rest} / ${size}`);
  }
  return names;
}

/** The row of a tile's point, and its names. */
export function emitRow(w: KernelWriter, inTile: string): RowNames {
  return { inTile, inBatch: w.let('row', `row0 + ${inTile}`) };
}

/** Emits `body` for all points of `axes` (and rows), dealt out to the threads. Gives the workgroups that a grid needs. */
export function emitPoints(
  w: KernelWriter,
  axes: readonly Axis[],
  hasRows: boolean,
  space: Space,
  body: (indices: readonly string[], row: RowNames | undefined) => void,
): number {
  const points = sizeOfAll(axes);
  if (space.kind === 'grid') {
    const id = w.let('id', `${groupNumber(w)} * ${w.threads}u + thread`);
    w.block(`if (${id} < ${w.param(points)})`, () =>
      body(decompose(w, id, axes, space), undefined),
    );
    return Math.ceil(points / w.threads);
  }
  const total = points * (hasRows ? space.rows : 1);
  const each = (e: string): void => {
    if (!hasRows) {
      body(decompose(w, e, axes, space), undefined);
      return;
    }
    const inTile = points === 1 ? e : w.let('r', `${e} / ${points}u`);
    w.block(`if (${inTile} < rows)`, () => {
      const row = emitRow(w, inTile);
      const point = points === 1 ? '0u' : w.let('point', `${e} % ${points}u`);
      body(decompose(w, point, axes, space), row);
    });
  };
  if (total <= w.threads) w.block(`if (thread < ${total}u)`, () => each('thread'));
  else {
    const e = w.name('e');
    w.block(`for (var ${e} = thread; ${e} < ${total}u; ${e} += ${w.threads}u)`, () => each(e));
  }
  return 1;
}

/** Which of the terms of a value this thread takes: every `of`-th one. */
export interface Part {
  readonly number: string;
  readonly of: number;
  /** How many neighbouring points of the last axis one round takes. */
  readonly step?: number;
}

/** Loops over `axes`, the last one fastest: nested, or, where several threads share the work, over all points at once. */
export function emitOver(
  w: KernelWriter,
  axes: readonly Axis[],
  space: Space,
  part: Part,
  body: (indices: readonly string[]) => void,
): void {
  const loop = (size: number, by: number, inner: (j: string) => void): void => {
    const j = w.name('j');
    const n = w.let('n', sizeText(w, space, size));
    w.block(`for (var ${j} = ${part.number}; ${j} < ${n}; ${j} += ${by}u)`, () => inner(j));
  };
  if (part.of > 1) {
    loop(sizeOfAll(axes), part.of, (j) => body(decompose(w, j, axes, space)));
    return;
  }
  const nest = (k: number, indices: readonly string[]): void => {
    const axis = axes[k];
    if (!axis) {
      body(indices);
      return;
    }
    const by = k === axes.length - 1 ? (part.step ?? 1) : 1;
    loop(axis.size, by, (j) => nest(k + 1, [...indices, j]));
  };
  nest(0, []);
}
