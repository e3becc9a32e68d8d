/** A loop instruction to code. Puts together what the other files know. */
import type { Loop } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import type { Target } from '../target.ts';
import { type Range } from './axes.ts';
/**
 * Appends code that runs the whole loop, or this range of it. `buffers` hold the byte addresses of the instruction's
 * buffers.
 */
export declare function emitLoop(
  f: FunctionBuilder,
  instr: Loop,
  buffers: readonly Local<'i32'>[],
  target: Target,
  range?: Range,
): void;
//# sourceMappingURL=index.d.ts.map
