/** Loops without a reduction: each point stores its own results. Knows points and rows of vectors. */
import { i32, type Value } from '../assembler/instructions.ts';
import { costOf } from './graph.ts';
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

/**
 * Vectors per iteration. Two (pairs where the engine makes one of two) go in step, so that a constant without a register
 * is fetched once for both: an LSTM's gates gain a fifth. Four where an iteration would be short.
 */
function groupSize({ part, graph }: Kernel): number {
  const cost = costOf(graph);
  if (cost <= 4) return 4;
  return (part === 'pairs' ? 2 : 1) * (cost <= 200 ? 2 : 1);
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
  if (vector.ranged) return alongRange(kernel, group, step);
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

/** The same where the size is known when the code runs. */
function alongRange(
  { nest, part, plan: { vector } }: Kernel,
  group: number,
  step: (vectors: number, lanes?: Lanes) => void,
): Moved {
  const over = (n: Value<'i32'>, by: number): Value<'i32'> => i32.op('div_u', n, i32.const(by));
  const rest = (n: Value<'i32'>, by: number): Value<'i32'> => i32.op('rem_u', n, i32.const(by));
  const count = nest.count();
  const single = part === 'pairs' ? 2 : 1;
  if (part === 'rest') nest.skip(vector, i32.op('sub', count, rest(count, 8)));
  else {
    nest.repeat(over(count, 4 * group), () => step(group));
    if (group > single)
      nest.repeat(rest(over(count, 4 * single), group / single), () => step(single));
  }
  if (part === 'pairs') nest.skip(vector, rest(count, 8));
  else {
    if (part === 'rest') nest.repeat(over(rest(count, 8), 4), () => step(1));
    nest.repeat(rest(count, 4), () => step(1, 1));
  }
  return nest.across(vector);
}
