/**
 * From a traced function to a planned program: the passes in their order. Nothing here verifies what they made, for
 * `verify` is a tenth of what a page would load: the reference backend and the tests of every pass do.
 */
import type { Backend } from '../backend/interface.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Program } from '../ir/program.ts';
import { fission } from '../passes/fission.ts';
import { fuse } from '../passes/fuse.ts';
import { plan } from '../passes/plan.ts';
import { simplify } from '../passes/simplify.ts';
import { split } from '../passes/split.ts';

export interface LowerOptions {
  readonly donations?: readonly (readonly [input: number, output: number])[];
  readonly limits?: Pick<Backend['limits'], 'bindingBytes' | 'buffers'>;
}

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  options: LowerOptions = {},
): Program {
  const simple = simplify(fission(simplify(results)));
  const { limits } = options;
  const fused = split(fuse(params, simple), limits?.buffers ?? Number.POSITIVE_INFINITY);
  return plan(fused, options);
}
