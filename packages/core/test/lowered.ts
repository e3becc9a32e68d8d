/** `lower` with all passes, and what it makes held to the format and to the limits that were asked for. */
import type { Backend } from '../src/backend/interface.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import type { Program } from '../src/ir/program.ts';
import { verify } from '../src/ir/verify.ts';
import { donate } from '../src/passes/donate.ts';
import * as extras from '../src/passes/extras.ts';
import { split } from '../src/passes/split.ts';
import { lower as lowerUnverified } from '../src/trace/lower.ts';

export interface LowerOptions {
  readonly donations?: readonly (readonly [input: number, output: number])[];
  readonly limits?: Pick<Backend['limits'], 'bindingBytes' | 'buffers'>;
}

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  { donations = [], limits }: LowerOptions = {},
): Program {
  const buffers = limits?.buffers ?? Number.POSITIVE_INFINITY;
  const program = lowerUnverified(params, results, {
    extras,
    passes: [(p) => split(p, buffers), (p) => donate(p, donations)],
    ...(limits && { bindingBytes: limits.bindingBytes }),
  });
  verify(program, limits);
  return program;
}
