/** What happens to a fused program before its scratch is planned, where that is more than nothing. */
import type { Program } from '../ir/program.ts';
import { donate } from './donate.ts';
import { split } from './split.ts';
import { stackOnce } from './stack-once.ts';

/** `buffers`: how many an instruction touches at most. */
export const refine = (
  program: Program,
  donations: Parameters<typeof donate>[1],
  buffers: number,
): Program => donate(split(stackOnce(program), buffers), donations);
