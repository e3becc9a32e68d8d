/** Loops without a reduction: each point stores its own results. Knows points and rows of vectors. */
import { need } from '../need.ts';
import { costOf, hasFunctions } from './graph.ts';
import type { Moved } from './nest.ts';
import { type Extent, type Kernel, type Lanes, Points } from './points.ts';

export function emitMap(kernel: Kernel): void {
  const { nest, plan } = kernel;
  nest.walk(plan.shape, () => {
    const row = new Points(kernel, { vectors: 1, lanes: 4 }).hoist([plan.vector]);
    return alongVectors(kernel, groupSize(kernel), (extent) => {
      new Points(kernel, extent, row).storeAll();
    });
  });
}

/** Points up to which a loop's operands are near enough for wide steps. */
const NEAR = 2048;

/**
 * Vectors per iteration (pairs, where the engine makes one of two). Results of functions are long in coming: three or four
 * vectors in step fill the time, and a constant without a register is fetched once for all. Where operands come from
 * further than the first cache, they are long in coming too, and a processor that is to ask for the next ones in time
 * must see the iteration's end: two with an LSTM's five functions, three with a GRU's three. Loops that mostly read and
 * write run out of registers: of many operands one at a time (Adam waits for its divisions, as long one by one as three in
 * step, which were five times the code).
 */
function groupSize({ part, graph, plan }: Kernel): number {
  const cost = costOf(graph);
  if (cost <= 4) return 4;
  const { shape, vector, windows } = plan;
  const points = shape.reduce((n, axis) => n * axis.size, vector.size);
  const far = cost > 64 ? 2 : 3;
  const wide = points > NEAR ? far : vector.size % 32 > 0 ? 3 : 4;
  const vectors = cost > 32 && hasFunctions(graph) ? wide : windows.length > 6 ? 1 : 2;
  return (part === 'pairs' ? 2 : 1) * vectors;
}

/** Points of a row that are run in pairs of vectors; the rest of it is left to another function. */
const inPairs = (size: number): number => size - (size % 8);

/** One row: groups of vectors, the vectors left over, then the rest of the last vector. */
export function alongVectors(kernel: Kernel, group: number, body: (extent: Extent) => void): Moved {
  const { nest, part, plan } = kernel;
  const { vector } = plan;
  const step = (vectors: number, lanes: Lanes = 4): void => {
    body({ vectors, lanes });
    nest.advance(vector, vectors * lanes);
  };
  if (vector.ranged) return need(kernel.extras).alongRange(kernel, group, step);
  const before = part === 'rest' ? inPairs(vector.size) : 0;
  const size = (part === 'pairs' ? inPairs(vector.size) : vector.size) - before;
  const vectors = Math.floor(size / 4);
  nest.advance(vector, before);
  nest.repeat(Math.floor(vectors / group), () => step(group));
  if (vectors % group > 0) step(vectors % group);
  const lanes = size % 4;
  if (lanes > 0) body({ vectors: 1, lanes: lanes as Lanes });
  return nest.across(vector, before + 4 * vectors);
}
