/**
 * The axes of a loop or a product, rid of what its windows do not need. Every backend wants fewer and longer axes; this
 * is the one place that finds them. Knows sizes and strides; knows no buffer and no expression.
 */

/** An axis with the stride of each window along it. `over`: it is reduced. */
export interface Axis {
  readonly size: number;
  readonly over: boolean;
  readonly strides: readonly number[];
}

/** Drops axes of size 1 and joins those that every window walks in one run, in whatever order they come. */
export function collapse(axes: readonly Axis[]): Axis[] {
  const out = axes.filter((a) => a.size !== 1);
  for (let i = 0; i < out.length; i++) {
    for (let j = 0; j < out.length; j++) {
      const joined = i === j ? null : join(out[i] as Axis, out[j] as Axis);
      if (!joined) continue;
      out[i] = joined;
      out.splice(j, 1);
      // The joined axis may now fit others.
      i = -1;
      break;
    }
  }
  return out;
}

function join(outer: Axis, inner: Axis): Axis | null {
  if (outer.over !== inner.over) return null;
  const runs = inner.strides.every((stride, k) => outer.strides[k] === stride * inner.size);
  return runs ? { ...inner, size: outer.size * inner.size } : null;
}
