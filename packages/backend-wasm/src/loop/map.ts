/** Loops without a reduction: each point stores its own results. Knows points and rows of vectors. */
import { i32 } from '../assembler/instructions.ts';
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
function groupSize({ kit, graph }: Kernel): number {
  const cost = costOf(graph);
  if (cost <= 4) return 4;
  return (kit.target.paired ? 2 : 1) * (cost <= 200 ? 2 : 1);
}

/** One row: groups of vectors, the vectors left over, then the rest of the last vector. */
export function alongVectors(
  { nest, plan: { vector } }: Kernel,
  group: number,
  body: (extent: Extent) => void,
): Moved {
  const { range, size } = vector;
  const step = (vectors: number, lanes: Lanes = 4): void => {
    body({ vectors, lanes });
    nest.advance(vector, vectors * lanes);
  };
  if (range) {
    const count = nest.f.get(range.count);
    const whole = i32.op('div_u', count, i32.const(4 * group));
    nest.repeat(whole, () => step(group));
    if (group > 1) {
      const vectors = i32.op('div_u', count, i32.const(4));
      nest.repeat(i32.op('rem_u', vectors, i32.const(group)), () => step(1));
    }
    nest.repeat(i32.op('rem_u', count, i32.const(4)), () => step(1, 1));
    return nest.across(vector);
  }
  const vectors = Math.floor(size / 4);
  nest.repeat(Math.floor(vectors / group), () => step(group));
  if (vectors % group > 0) step(vectors % group);
  const lanes = size % 4;
  if (lanes > 0) body({ vectors: 1, lanes: lanes as Lanes });
  return nest.across(vector, 4 * vectors);
}
