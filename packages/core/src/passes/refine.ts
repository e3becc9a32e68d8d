/** What happens to a fused program before its scratch is planned, where that is more than nothing. */
import type { Program } from '../ir/program.ts';
import { donate } from './donate.ts';
import { split } from './split.ts';
import { stackOnce } from './stack-once.ts';

/** `limits`: how many buffers an instruction touches, and how many bytes a slot has, at most. */
export function refine(
  program: Program,
  donations: Parameters<typeof donate>[1],
  limits?: { readonly buffers: number; readonly bindingBytes: number },
): Program {
  const once = stackOnce(program, limits?.bindingBytes);
  return donate(limits ? split(once, limits.buffers) : once, donations);
}
