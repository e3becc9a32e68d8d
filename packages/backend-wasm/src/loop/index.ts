/** A loop instruction to code. Puts together what the other files know. */
import type { Loop } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import type { Target } from '../target.ts';
import { planAxes, type Range } from './axes.ts';
import { graphOf } from './graph.ts';
import { Kit } from './kit.ts';
import { emitMap } from './map.ts';
import { Nest } from './nest.ts';
import { emitReduce } from './reduce.ts';

/**
 * Appends code that runs the whole loop, or this range of it. `buffers` hold the byte addresses of the instruction's
 * buffers.
 */
export function emitLoop(
  f: FunctionBuilder,
  instr: Loop,
  buffers: readonly Local<'i32'>[],
  target: Target,
  range?: Range,
): void {
  const graph = graphOf(instr);
  const plan = planAxes(instr, graph, range);
  const kit = new Kit(f, target);
  const code = f.collect(() => {
    const kernel = { kit, graph, plan, nest: new Nest(f, plan, buffers) };
    if (instr.over.length === 0) emitMap(kernel);
    else emitReduce(kernel, instr.combine);
  });
  kit.declare();
  f.append(code);
}
