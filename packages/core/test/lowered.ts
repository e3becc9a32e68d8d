/** `lower` with all passes, and what it makes held to the format and to the limits that were asked for. */
import type { Tensor } from '../src/graph/tensor.ts';
import type { Program } from '../src/ir/program.ts';
import { verify } from '../src/ir/verify.ts';
import * as extras from '../src/trace/extras.ts';
import { type LowerOptions, lower as lowerUnverified } from '../src/trace/lower.ts';

export function lower(
  params: readonly Tensor[],
  results: readonly Tensor[],
  options: Omit<LowerOptions, 'extras'> = {},
): Program {
  const program = lowerUnverified(params, results, { ...options, extras });
  verify(program, options.limits);
  return program;
}
