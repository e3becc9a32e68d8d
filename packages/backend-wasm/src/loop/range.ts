/** A part of a row of vectors: where threads share one. Knows the order of points; knows not what is done at a point. */
import { i32, type Value } from '../assembler/instructions.ts';
import type { Moved } from './nest.ts';
import type { Kernel, Lanes } from './points.ts';

/** Groups of vectors, the vectors left over, then single points; how many is known when the code runs. */
export function alongRange(
  { nest, part, plan: { vector } }: Kernel,
  group: number,
  step: (vectors: number, lanes?: Lanes) => void,
): Moved {
  const over = (n: Value<'i32'>, by: number): Value<'i32'> => i32.op('div_u', n, i32.const(by));
  const rest = (n: Value<'i32'>, by: number): Value<'i32'> => i32.op('rem_u', n, i32.const(by));
  const count = nest.count();
  const single = part === 'pairs' ? 2 : 1;
  if (part === 'rest') nest.skip(vector, i32.op('sub', count, rest(count, 8)));
  else {
    nest.repeat(over(count, 4 * group), () => step(group));
    if (group > single)
      nest.repeat(rest(over(count, 4 * single), group / single), () => step(single));
  }
  if (part === 'pairs') nest.skip(vector, rest(count, 8));
  else {
    if (part === 'rest') nest.repeat(over(rest(count, 8), 4), () => step(1));
    nest.repeat(rest(count, 4), () => step(1, 1));
  }
  return nest.across(vector);
}
