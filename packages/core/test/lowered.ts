/** `lower`, and what it makes held to the format and to the limits that were asked for. */
import type { Tensor } from '../src/graph/tensor.ts';
import type { Program } from '../src/ir/program.ts';
import { verify } from '../src/ir/verify.ts';
import { type LowerOptions, lower as lowerUnverified } from '../src/trace/lower.ts';

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  options: LowerOptions = {},
): Program {
  const program = lowerUnverified(params, results, options);
  verify(program, options.limits);
  return program;
}
