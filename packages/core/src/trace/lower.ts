/**
 * From a traced function to a planned program: the passes in their order. Nothing here verifies what they made, for
 * `verify` is a tenth of what a page would load: the reference backend and the tests of every pass do.
 */
import type { Tensor } from '../graph/tensor.ts';
import type { Program } from '../ir/program.ts';
import { fission } from '../passes/fission.ts';
import { fuse } from '../passes/fuse.ts';
import { plan } from '../passes/plan.ts';
import { simplify } from '../passes/simplify.ts';

export interface LowerOptions {
  /** What is done to the program before its scratch is planned: passes that few programs need, and that are loaded then. */
  readonly passes?: readonly ((program: Program) => Program)[];
  /** The largest window that a backend binds: no slot and no arena is larger. */
  readonly bindingBytes?: number;
}

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  { passes = [], bindingBytes }: LowerOptions = {},
): Program {
  const fused = fuse(params, simplify(fission(simplify(results))));
  return plan(
    passes.reduce((program, pass) => pass(program), fused),
    bindingBytes,
  );
}
