/**
 * From a traced function to a planned program: the passes in their order. Nothing here verifies what they made, for
 * `verify` is a tenth of what a page would load: the reference backend and the tests of every pass do.
 */
import type { Limits } from '../backend/interface.ts';
import { topo } from '../graph/rewrite.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Program } from '../ir/program.ts';
import { fuse } from '../passes/fuse.ts';
import { plan } from '../passes/plan.ts';
import { simplify } from '../passes/simplify.ts';

export interface LowerOptions {
  /** Where `needsExtras` says so, and for what follows. */
  readonly extras?: typeof import('./extras.ts') | undefined;
  /** Inputs that may give their place to an output. */
  readonly donations?: readonly (readonly [input: number, output: number])[];
  /** Of the device: how many buffers an instruction touches, and how large a slot or an arena is, at most. */
  readonly limits?: Pick<Limits, 'bindingBytes' | 'buffers'> | undefined;
}

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  { extras, donations = [], limits }: LowerOptions = {},
): Program {
  const simple = (graph: readonly Tensor[]) => simplify(graph, extras?.mergeScans);
  const split = extras ? extras.fission(simple(results), extras) : results;
  let program = fuse(params, simple(split));
  if (extras) program = extras.refine(program, donations, limits);
  return plan(program, limits?.bindingBytes);
}

/** Whether a graph has loops that can be split or gradients of scans (more than one step, scan or a sum), or has tables. */
export function needsExtras(results: readonly Tensor[]): boolean {
  let steps = 0;
  const some = (roots: readonly Tensor[]): boolean =>
    topo(roots).some(({ op }) => {
      if (op.kind === 'scan') {
        steps += op.length;
        return steps > 1 || some(op.body.results);
      }
      return ['reduce', 'gather', 'scatter'].includes(op.kind);
    });
  return some(results);
}
