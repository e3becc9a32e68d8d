/** A loop instruction to code. Puts together what the other files know. */
import type { Loop } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { type Extras, need } from '../need.ts';
import type { Target } from '../target.ts';
import { type Plan, planAxes } from './axes.ts';
import { Kit } from './kit.ts';
import { emitMap } from './map.ts';
import { Nest, type Range } from './nest.ts';
import type { Part } from './points.ts';

export { planAxes, sharedAxis } from './axes.ts';
export type { Part } from './points.ts';

interface LoopOptions {
  /** Where it is known before. */
  readonly plan?: Plan;
  /** Only this range of an axis. */
  readonly range?: Range | undefined;
  /** All of it unless stated. */
  readonly part?: Part;
  /** Needed where it is no plain map. */
  readonly extras?: Extras | undefined;
}

/** Whether pairs of vectors leave something over. */
export const leavesRest = ({ vector }: Plan): boolean =>
  vector.ranged === true || vector.size % 8 !== 0;

/** Appends code that runs a loop. `buffers` hold the byte addresses of the instruction's buffers. */
export function emitLoop(
  f: FunctionBuilder,
  instr: Loop,
  buffers: readonly Local<'i32'>[],
  target: Target,
  { range, plan = planAxes(instr, range?.axis), part = 'whole', extras }: LoopOptions = {},
): void {
  const kit = new Kit(f, target);
  const code = f.collect(() => {
    const { graph } = plan;
    const kernel = { kit, graph, plan, nest: new Nest(f, plan, buffers, range), part, extras };
    if (instr.over.length === 0) emitMap(kernel);
    else need(extras).emitReduce(kernel, instr.combine);
  });
  kit.declare();
  f.append(code);
}
