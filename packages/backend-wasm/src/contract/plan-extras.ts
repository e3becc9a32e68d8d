/** What few plans of products have: ranges of an axis, depths of several axes, copied rows. Plain data. */
import {
  type Axis,
  type Contract,
  exchange,
  type Operand,
  productAxes,
} from '@ostinato/core/backend';
import {
  type ByteAxis,
  type ContractPlan,
  cutAxis,
  type Depth,
  type Orientation,
  sizeOf,
} from './plan.ts';

/** The operand that has the axis has the rows; either, where both or none have it. */
export function rangedOrientations(instr: Contract, rangeAxis: number): Orientation[] {
  const axes = productAxes(withoutAxis(instr, rangeAxis));
  const [a, b] = instr.args.map((o) => o.strides[rangeAxis] as number) as [number, number];
  const out = instr.outs[0].strides[rangeAxis] as number;
  const size = instr.shape[rangeAxis] as number;
  const ranged = (strides: readonly number[]): Axis => ({ size, over: false, strides });
  const straight = { axes, swapped: false, ranged: ranged([a, b, out]) };
  const swapped = { axes: exchange(axes), swapped: true, ranged: ranged([b, a, out]) };
  if ((a === 0) === (b === 0)) return [straight, swapped];
  return [b === 0 ? straight : swapped];
}

function withoutAxis(instr: Contract, axis: number): Contract {
  const rest = <T>(list: readonly T[]): T[] => list.filter((_, k) => k !== axis);
  const operand = (o: Operand): Operand => ({ ...o, strides: rest(o.strides) });
  const [a, b] = instr.args;
  return {
    ...instr,
    shape: rest(instr.shape),
    args: [operand(a), operand(b)],
    outs: [operand(instr.outs[0])],
  };
}

/**
 * The longest axis innermost, shorter ones around it while they fit, the others as blocks.
 */
export function cutDepths(axes: readonly ByteAxis[], limit: number): Depth {
  const sorted = [...axes].sort((x, y) => x.size - y.size);
  const inner = sorted.pop() as ByteAxis;
  const part = partOf(inner.size, limit / sizeOf(sorted));
  if (part !== undefined) {
    // Some of the longest axis with all of the others.
    const block = { ...inner, size: inner.size / part, a: inner.a * part, b: inner.b * part };
    return { blocks: [block], depth: [...sorted, { ...inner, size: part }], depthStep: part };
  }
  const depth = [inner];
  while (sorted.length > 0 && sizeOf(depth) * (sorted.at(-1) as ByteAxis).size <= limit)
    depth.unshift(sorted.pop() as ByteAxis);
  if (depth.length === 1) return { ...cutAxis(inner, limit), blocks: sorted };
  return { blocks: sorted, depth, depthStep: inner.size };
}

/** The divisor of `size` nearest to what is wanted, if one is within a factor of two. */
function partOf(size: number, wanted: number): number | undefined {
  const near = (part: number): number => Math.abs(Math.log(part / wanted));
  const fits = (part: number): boolean => size % part === 0 && near(part) <= Math.LN2;
  const parts = Array.from({ length: size - 1 }, (_, k) => k + 1).filter(fits);
  return parts.sort((p, q) => near(p) - near(q))[0];
}

/**
 * Steps of the depth that lie far apart in a, or rows a page apart, fall into few sets of the caches: a copy pays once
 * several panels read it.
 */
export function chooseRowSource(
  rows: ByteAxis,
  depth: readonly ByteAxis[],
  source: ContractPlan['source'],
): ContractPlan['rowSource'] {
  const inner = depth.at(-1) as ByteAxis;
  if (depth.length > 1 && (source === 'place' || inner.a === 4)) return 'place';
  if (inner.a === 4) return rows.a % 4096 === 0 && inner.size >= 64 ? 'rows' : 'place';
  return rows.a === 4 && Math.abs(inner.a) >= farApart ? 'tiles' : 'place';
}

const farApart = 512;
