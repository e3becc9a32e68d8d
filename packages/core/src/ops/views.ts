/** Ways to look at the same elements: no data moves. Each makes one node or none. */
import { fail } from '../errors.ts';
import { describe, Tensor } from '../graph/tensor.ts';
import { type Shape, sameShape, sizeOf } from '../ir/view.ts';

/** Axis numbers may be negative: -1 is the last. */
export function normalAxis(what: string, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || a < 0 || a >= rank)
    fail(
      'axis-out-of-range',
      `${what}: axis ${axis} of a tensor of rank ${rank}. Use -${rank} to ${rank - 1}.`,
    );
  return a;
}

/** Axis numbers made positive, checked and sorted; all axes where none are given. */
export function normalAxes(
  what: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === 'number' ? [axes] : axes).map((a) => normalAxis(what, a, rank));
  if (new Set(list).size !== list.length)
    fail('axis-out-of-range', `${what}: axes [${axes}] name one axis twice. Name each once.`);
  return list.sort((a, b) => a - b);
}

export function checkShape(what: string, shape: Shape): void {
  if (!Array.isArray(shape) || shape.some((n) => !Number.isInteger(n) || n < 1))
    fail(
      'shape-invalid',
      `${what}: shape [${shape}] must hold whole numbers from 1 up. Empty tensors do not exist here; leave them out.`,
    );
}

/** Permutes axes: axis i of the result is axis `perm[i]` of `x`. By default the axes are reversed. */
export function transpose(x: Tensor, perm?: readonly number[]): Tensor {
  const order = perm
    ? perm.map((a) => normalAxis('transpose', a, x.rank))
    : x.shape.map((_, i) => x.rank - 1 - i);
  if (order.length !== x.rank || new Set(order).size !== x.rank)
    fail(
      'axis-out-of-range',
      `transpose: [${perm}] is no permutation of the axes of ${describe(x)}. Name each once.`,
    );
  if (order.every((a, i) => a === i)) return x;
  const shape = order.map((a) => x.shape[a] as number);
  return new Tensor({ kind: 'transpose', perm: order }, shape, x.dtype, [x]);
}

/** The same elements in row-major order under another shape. One size may be -1: it is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((n, m) => (m === -1 ? n : n * m), 1);
  const full = shape.map((n) => (n === -1 ? x.size / known : n));
  if (shape.filter((n) => n === -1).length > 1 || sizeOf(full) !== x.size)
    fail(
      'shape-mismatch',
      `reshape: ${describe(x)} does not fit [${shape}]. The sizes must multiply to ${x.size}.`,
    );
  checkShape('reshape', full);
  if (sameShape(full, x.shape)) return x;
  return new Tensor({ kind: 'reshape' }, full, x.dtype, [x]);
}

/** Inserts axes of size 1, so that `axes` are their numbers in the result. */
export function expandDims(x: Tensor, axes: number | readonly number[]): Tensor {
  const count = typeof axes === 'number' ? 1 : axes.length;
  const fresh = normalAxes('expandDims', axes, x.rank + count);
  const rest = [...x.shape];
  return reshape(
    x,
    Array.from({ length: x.rank + count }, (_, i) =>
      fresh.includes(i) ? 1 : (rest.shift() as number),
    ),
  );
}

/** Drops axes of size 1: those named, or all. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const gone =
    axes === undefined
      ? x.shape.flatMap((n, i) => (n === 1 ? [i] : []))
      : normalAxes('squeeze', axes, x.rank);
  if (gone.some((i) => x.shape[i] !== 1))
    fail(
      'shape-mismatch',
      `squeeze: axes [${gone}] of ${describe(x)} are not all 1. Use reshape or a reduction.`,
    );
  return reshape(
    x,
    x.shape.filter((_, i) => !gone.includes(i)),
  );
}

/** New axes of the given sizes; `axes` are their numbers in the result. Elements repeat along them. */
export function broadcastAxes(x: Tensor, axes: readonly number[], shape: Shape): Tensor {
  if (axes.length === 0) return x;
  return new Tensor({ kind: 'broadcast', axes }, shape, x.dtype, [x]);
}

/** Repeats `x` to `shape` by NumPy's rule: shapes align at their last axes, and size 1 repeats. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  checkShape('broadcastTo', shape);
  const lead = shape.length - x.rank;
  const fits = lead >= 0 && x.shape.every((n, i) => n === 1 || n === shape[i + lead]);
  if (!fits)
    fail(
      'not-broadcastable',
      `broadcastTo: ${describe(x)} does not repeat to [${shape}]. Each axis, counted from the last, must be 1 or equal.`,
    );
  const repeated = shape.flatMap((n, i) =>
    i < lead || (x.shape[i - lead] === 1 && n !== 1) ? [i] : [],
  );
  const kept = shape.filter((_, i) => !repeated.includes(i));
  return broadcastAxes(reshape(x, kept), repeated, shape);
}

/** `size` elements along `axis` from `start` on. A negative start counts from the end. */
export function slice(x: Tensor, axis: number, start: number, size?: number): Tensor {
  const a = normalAxis('slice', axis, x.rank);
  const n = x.shape[a] as number;
  const from = start < 0 ? start + n : start;
  const count = size ?? n - from;
  if (
    !Number.isInteger(from) ||
    !Number.isInteger(count) ||
    from < 0 ||
    count < 1 ||
    from + count > n
  )
    fail(
      'index-out-of-range',
      `slice: ${count} elements from ${start} along axis ${axis} of ${describe(x)}. Stay within its ${n} elements.`,
    );
  if (count === n) return x;
  const shape = x.shape.map((m, i) => (i === a ? count : m));
  return new Tensor({ kind: 'slice', axis: a, start: from }, shape, x.dtype, [x]);
}

/** Equal parts along an axis, such as the gates of one product. */
export function split(x: Tensor, parts: number, axis = -1): Tensor[] {
  const a = normalAxis('split', axis, x.rank);
  const n = (x.shape[a] as number) / parts;
  if (!Number.isInteger(n) || parts % 1 || n < 1)
    fail(
      'shape-mismatch',
      `split: axis ${axis} of ${describe(x)} does not divide into ${parts} equal parts.`,
    );
  return Array.from({ length: parts }, (_, i) => slice(x, a, i * n, n));
}

/** The element (or sub-tensor) at `index` along `axis`, without that axis. */
export function at(x: Tensor, index: number, axis = 0): Tensor {
  const a = normalAxis('at', axis, x.rank);
  const one = slice(x, a, index, 1);
  return reshape(
    one,
    x.shape.filter((_, i) => i !== a),
  );
}

/** Reverses the order of elements along axes (all, if none are named). */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  const list = normalAxes('flip', axes, x.rank).filter((a) => x.shape[a] !== 1);
  if (list.length === 0) return x;
  return new Tensor({ kind: 'flip', axes: list }, x.shape, x.dtype, [x]);
}

/** Joins tensors of equal shape but for `axis` along it. */
export function concat(parts: readonly Tensor[], axis = 0): Tensor {
  const [first] = parts;
  if (!first) return fail('shape-mismatch', 'concat: got no tensors. Give at least one.');
  const a = normalAxis('concat', axis, first.rank);
  for (const p of parts) {
    if (p.dtype !== first.dtype)
      fail(
        'dtype-mismatch',
        `concat: ${describe(first)} and ${describe(p)}. Cast them to one type first.`,
      );
    if (p.rank !== first.rank || p.shape.some((n, i) => i !== a && n !== first.shape[i]))
      fail(
        'shape-mismatch',
        `concat: ${describe(first)} and ${describe(p)} differ outside axis ${axis}. Make the other axes equal.`,
      );
  }
  if (parts.length === 1) return first;
  const n = parts.reduce((s, p) => s + (p.shape[a] as number), 0);
  const shape = first.shape.map((m, i) => (i === a ? n : m));
  return new Tensor({ kind: 'concat', axis: a }, shape, first.dtype, parts);
}

/** Joins tensors of equal shape along a new axis. */
export const stack = (parts: readonly Tensor[], axis = 0): Tensor =>
  concat(
    parts.map((p) => expandDims(p, axis < 0 ? axis + p.rank + 1 : axis)),
    axis,
  );
