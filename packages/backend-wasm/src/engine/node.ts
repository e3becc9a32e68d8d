/** How Node compiles modules, and whether with pairs of vectors. Pages do not load it. */
import type { Backend } from '@ostinato/core/backend';
import type { Engine } from '../backend.ts';
import * as extras from '../extras.ts';
import type { WasmBuffer } from '../memory.ts';
import { pairs } from '../pairing.ts';
import { fusesMultiplyAdd } from './features.ts';
import { agreesWithPlain } from './self-check.ts';
import { canPair, compileModule } from './v8.ts';

/** `open`: a backend on one thread, for the check that pairs give the same bits. */
export async function nodeEngine(
  pairedSimd: boolean,
  open: (engine: Engine) => Backend<WasmBuffer>,
  notes: string[],
): Promise<Engine> {
  const pair = canPair();
  // V8 counts memory that is not shared with its heap, and would collect garbage at the first program, for which it grows.
  const plain: Engine = { compileModule, extras, keepsApart: pair.yes, sharedMemory: true };
  const paired: Engine = { ...plain, pairs };
  const note = (why: string): Engine => {
    notes.push(`128-bit vectors: ${why}`);
    return plain;
  };
  if (!pairedSimd) return note('paired SIMD is switched off');
  if (!pair.yes) return note(pair.why);
  // V8 pairs with AVX2 only, and does not say so: its vectors would stay single, in tiles that are too large for them.
  if (!(await fusesMultiplyAdd()))
    return note('the processor has no fused multiply-add, so no AVX2 either');
  try {
    if (!(await agreesWithPlain((yes) => open(yes ? paired : plain))))
      return note('the self-check of paired SIMD found other bits');
  } catch (error) {
    return note(`the self-check of paired SIMD failed (${(error as Error).message})`);
  }
  notes.push(`256-bit vectors: ${pair.why}, self-check passed`);
  return paired;
}
