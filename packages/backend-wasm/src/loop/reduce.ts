/**
 * Loops with a reduction. Where vectors lie along an axis of the results, blocks of results are accumulated side by
 * side; where they lie along a reduced axis, several vectors of terms make one result. Either way the order depends
 * on sizes and strides alone.
 */
import type { Combine, DType } from '@ostinato/core/backend';
import type { LoopAxis } from './axes.ts';
import { costOf } from './graph.ts';
import { alongVectors } from './map.ts';
import type { Moved } from './nest.ts';
import { type Extent, type Kernel, type Lanes, Points } from './points.ts';
import { Totals } from './totals.ts';

export function emitReduce(kernel: Kernel, combine: Combine): void {
  const { nest, plan } = kernel;
  nest.walk(plan.shape, () =>
    plan.vector.over ? acrossLanes(kernel, combine) : sideBySide(kernel, combine),
  );
}

/** Results in vectors: a block of them stays in registers while the reduced axes pass by. */
function sideBySide(kernel: Kernel, combine: Combine): Moved {
  const { nest, plan, graph } = kernel;
  const { over, vector } = plan;
  const smallest = kernel.part === 'pairs' ? 2 : 1;
  // Eight registers of terms: whole lines of memory, and never half a pair.
  const most = costOf(graph) > 40 ? smallest : smallest * Math.floor(8 / graph.roots.length);
  const fits = smallest * Math.floor(vector.size / (4 * smallest));
  const block = Math.max(smallest, Math.min(most, fits));
  const parts = partsOf(over.map((a) => a.size));
  return alongVectors(kernel, block, (extent) => {
    const totals = totalsOf(kernel, combine, {
      vectors: extent.vectors,
      across: false,
      inParts: parts !== undefined,
    });
    const outside = new Points(kernel, extent).hoist(over);
    const moved = visit(kernel, totals, parts, () => {
      totals.add(new Points(kernel, extent, outside));
      return nest.still();
    });
    store(kernel, extent, totals);
    nest.rewind(vector, moved);
  });
}

/** One result at a time, of several vectors of terms. */
function acrossLanes(kernel: Kernel, combine: Combine): Moved {
  const { nest, plan, graph } = kernel;
  const { over, vector } = plan;
  const vectors = Math.floor(vector.size / 4);
  const most = costOf(graph) > 40 ? 2 : Math.max(1, Math.floor(8 / graph.roots.length));
  const group = Math.max(1, Math.min(4, most, vectors));
  const groups = Math.floor(vectors / group);
  const parts = partsOf([...over.map((a) => a.size), Math.max(1, groups)]);
  const inRow = parts?.level === over.length;
  const totals = totalsOf(kernel, combine, {
    vectors: group,
    across: true,
    inParts: parts !== undefined,
  });
  const row = (): Moved => {
    const outside = new Points(kernel, { vectors: 1, lanes: 4 }).hoist([vector]);
    const add = (extent: Extent): void =>
      totals.add(new Points(kernel, extent, outside), extent.lanes);
    const step = (count: number): void => {
      add({ vectors: count, lanes: 4 });
      nest.advance(vector, 4 * count);
    };
    if (inRow) inParts(kernel, totals, groups, parts.size, () => step(group));
    else nest.repeat(groups, () => step(group));
    const rest = vectors % group;
    const lanes = vector.size % 4;
    if (rest > 0) step(rest);
    if (lanes > 0) add({ vectors: 1, lanes: lanes as Lanes });
    if (inRow && rest + lanes > 0) totals.endPart();
    return nest.across(vector, 4 * vectors);
  };
  const moved = visit(kernel, totals, parts, row);
  store(kernel, { vectors: 1, lanes: 1 }, totals);
  return moved;
}

/** All reduced axes but that of the vectors, outermost first. */
function visit(
  kernel: Kernel,
  totals: Totals,
  parts: Parts | undefined,
  inside: () => Moved,
): Moved {
  const { nest, plan } = kernel;
  const from = (level: number): Moved => {
    const axis: LoopAxis | undefined = plan.over[level];
    if (!axis) return inside();
    const one = (): void => nest.advance(axis, 1, from(level + 1));
    if (level === parts?.level) inParts(kernel, totals, axis.size, parts.size, one);
    else nest.repeat(axis.size, one);
    return nest.across(axis);
  };
  return from(0);
}

/** n iterations, so many to a part. */
function inParts({ nest }: Kernel, totals: Totals, n: number, size: number, one: () => void): void {
  const part = (iterations: number): void => {
    nest.repeat(iterations, one);
    totals.endPart();
  };
  nest.repeat(Math.floor(n / size), () => part(size));
  if (n % size > 0) part(n % size);
}

/** Which loop is cut into parts, and how many of its iterations make one. */
interface Parts {
  readonly level: number;
  readonly size: number;
}

/**
 * Parts have 16 to 48 terms where the sizes let them: few enough that their rounding does not show, enough that ending
 * a part costs little. Undefined: one part is all.
 */
function partsOf(sizes: readonly number[]): Parts | undefined {
  let terms = 1;
  for (let level = sizes.length - 1; level >= 0; level--) {
    const n = sizes[level] as number;
    if (terms * n <= 48) {
      terms *= n;
      continue;
    }
    if (terms >= 16) return { level, size: 1 };
    // The largest size that leaves no remainder, or else about 32 terms.
    for (let size = Math.floor(48 / terms); size * terms >= 16; size--)
      if (n % size === 0) return { level, size };
    return { level, size: Math.floor(32 / terms) };
  }
  return undefined;
}

function totalsOf(
  { kit, graph, plan }: Kernel,
  combine: Combine,
  options: { vectors: number; across: boolean; inParts: boolean },
): Totals {
  const roots = graph.roots.map((node, k) => {
    const window = plan.windows.find((w) => w.kind === 'out' && w.index === k);
    const dtype = (window?.kind === 'out' ? window.operand.dtype : 'float32') as DType;
    return { node, dtype };
  });
  return new Totals(kit, roots, { combine, ...options });
}

function store(kernel: Kernel, extent: Extent, totals: Totals): void {
  const points = new Points(kernel, extent);
  const results = totals.results();
  kernel.plan.windows.forEach((w, k) => {
    if (w.kind === 'out') points.store(k, results[w.index] ?? []);
  });
}
