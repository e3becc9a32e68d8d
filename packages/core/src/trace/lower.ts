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
  /** Where `needsExtras` says so. */
  readonly extras?: typeof import('../passes/extras.ts');
  /** What is done to the program before its scratch is planned: passes that few programs need, and that are loaded then. */
  readonly passes?: readonly ((program: Program) => Program)[];
  /** The largest window that a backend binds: no slot and no arena is larger. */
  readonly bindingBytes?: number;
}

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  { extras, passes = [], bindingBytes }: LowerOptions = {},
): Program {
  const simple = (graph: readonly Tensor[]): Tensor[] => simplify(graph, extras?.mergeScans);
  const fused = fuse(params, simple(fission(simple(results), extras)));
  return plan(
    passes.reduce((program, pass) => pass(program), fused),
    bindingBytes,
  );
}

/** Whether a graph may have gradients of scans (more than one scan, or a sum) or has tables. */
export function needsExtras(results: readonly Tensor[]): boolean {
  let scans = 0;
  const some = (roots: readonly Tensor[]): boolean =>
    topo(roots).some(({ op }) => {
      if (op.kind === 'scan') return scans++ > 0 || some(op.body.results);
      return ['reduce', 'gather', 'scatter'].includes(op.kind);
    });
  return some(results);
}
