/** How a long depth is cut into partial sums. */
import { sizeOfAxes } from '@ostinato/core/backend';
import type { ByteAxis, ContractPlan } from './plan.ts';

/**
 * A partial sum is at most `limit` long (but for rounding up): the longest axis innermost, shorter ones around it
 * while they fit, the others as blocks. The partial sums are added up in order, so the out's bits depend on the shape
 * alone.
 */
export function cutDepth(
  axes: readonly ByteAxis[],
  limit: number,
): Pick<ContractPlan, 'blocks' | 'depth' | 'depthStep'> {
  const sorted = [...axes].sort((x, y) => x.size - y.size);
  const inner = sorted.pop() as ByteAxis;
  const part = sorted.length > 0 ? divisorNear(inner.size, limit / sizeOfAxes(sorted)) : undefined;
  if (part !== undefined) {
    // Some of the longest axis with all of the others.
    const block = { ...inner, size: inner.size / part, a: inner.a * part, b: inner.b * part };
    return { blocks: [block], depth: [...sorted, { ...inner, size: part }], depthStep: part };
  }
  const depth = [inner];
  while (sorted.length > 0 && sizeOfAxes(depth) * (sorted.at(-1) as ByteAxis).size <= limit)
    depth.unshift(sorted.pop() as ByteAxis);
  const count = depth.length > 1 ? 1 : Math.ceil(inner.size / limit);
  // Whole turns of the unrolled loop and of the packing of four by four.
  const even = Math.ceil(inner.size / count / 4) * 4;
  return { blocks: sorted, depth, depthStep: count === 1 ? inner.size : even };
}

/** The divisor of `size` nearest to what is wanted, if one up to `most` is within a factor of two. */
export function divisorNear(
  size: number,
  wanted: number,
  most = Number.POSITIVE_INFINITY,
): number | undefined {
  const near = (part: number): number => Math.abs(Math.log(part / wanted));
  const first = Math.max(1, Math.ceil(wanted / 2));
  const last = Math.floor(Math.min(most, size - 1, 2 * wanted));
  const parts = Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
  return parts.filter((part) => size % part === 0).sort((p, q) => near(p) - near(q))[0];
}
