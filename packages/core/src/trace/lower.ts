/**
 * From a traced function to a planned program: the passes in their order. Nothing here verifies what they made, for
 * `verify` is a tenth of what a page would load: the reference backend and the tests of every pass do.
 */
import { topo } from '../graph/rewrite.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Program } from '../ir/program.ts';
import { fission } from '../passes/fission.ts';
import { fuse } from '../passes/fuse.ts';
import { plan } from '../passes/plan.ts';
import { simplify } from '../passes/simplify.ts';

export interface LowerOptions {
  /** For graphs with gradients of scans: see `hasGradients`. */
  readonly gradients?: typeof import('../passes/scan-gradients.ts');
  /** What is done to the program before its scratch is planned: passes that few programs need, and that are loaded then. */
  readonly passes?: readonly ((program: Program) => Program)[];
  /** The largest window that a backend binds: no slot and no arena is larger. */
  readonly bindingBytes?: number;
}

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  { gradients, passes = [], bindingBytes }: LowerOptions = {},
): Program {
  const simple = (graph: readonly Tensor[]): Tensor[] => simplify(graph, gradients?.mergeScans);
  const fused = fuse(params, simple(fission(simple(results), gradients?.liftSum)));
  return plan(
    passes.reduce((program, pass) => pass(program), fused),
    bindingBytes,
  );
}

/** Whether a graph may have gradients of scans: more than one scan, or a sum. */
export function hasGradients(results: readonly Tensor[]): boolean {
  let scans = 0;
  const sums = (roots: readonly Tensor[]): boolean =>
    topo(roots).some(({ op }) => {
      if (op.kind === 'scan') return scans++ > 0 || sums(op.body.results);
      return op.kind === 'reduce' && op.combine === 'sum';
    });
  return sums(results);
}
