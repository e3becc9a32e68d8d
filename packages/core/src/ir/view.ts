/** Shapes and strides: the arithmetic of dense and strided windows, counted in elements. Knows no data. */

export type Shape = readonly number[];

/** Number of elements. */
export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** Row-major strides. */
export function denseStrides(shape: Shape): number[] {
  const strides: number[] = new Array(shape.length);
  for (let i = shape.length - 1, n = 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i] as number;
  }
  return strides;
}

/** A window on a buffer: the triple that npm's ndarray uses too, with one stride per axis. */
export interface Window {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Axes of size 1 never move, so their stride does not count. */
export function isDense(shape: Shape, strides: readonly number[]): boolean {
  const dense = denseStrides(shape);
  return shape.every((n, i) => n === 1 || strides[i] === dense[i]);
}

/** One past the largest element that a window reaches, and the smallest, both relative to its offset. */
export function extent(shape: Shape, strides: readonly number[]): { low: number; high: number } {
  let low = 0;
  let high = 0;
  shape.forEach((n, i) => {
    const reach = (n - 1) * (strides[i] as number);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return { low, high: high + 1 };
}

/**
 * Strides that show a window of shape `from` as shape `to` (same size) without moving data, or null where only a copy
 * can do it. Axes are grouped into the smallest runs of equal size on both sides; a run must be one stride ladder.
 */
export function reshapeStrides(
  from: Shape,
  strides: readonly number[],
  to: Shape,
): number[] | null {
  const out: number[] = new Array(to.length).fill(0);
  const source = from.flatMap((n, i) => (n === 1 ? [] : [{ n, stride: strides[i] as number }]));
  let s = 0;
  let t = 0;
  while (t < to.length) {
    if (to[t] === 1) {
      t++;
      continue;
    }
    const first = t;
    let have = source[s]?.n ?? 1;
    let want = to[t] as number;
    let last = s;
    while (have !== want) {
      if (have < want) {
        const next = source[++last];
        if (!next) return null;
        const previous = source[last - 1] as { n: number; stride: number };
        if (previous.stride !== next.n * next.stride) return null;
        have *= next.n;
      } else want *= to[++t] as number;
    }
    let stride = (source[last] as { stride: number }).stride;
    for (let i = t; i >= first; i--) {
      out[i] = stride;
      stride *= to[i] as number;
    }
    s = last + 1;
    t++;
  }
  return out;
}
