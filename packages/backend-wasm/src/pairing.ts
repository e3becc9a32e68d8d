/**
 * Which instructions V8 may compile to 256-bit vectors. Its revectoriser is experimental: where the lower half of a pair
 * is also used by itself, V8 13.6 may reload the pair from the stack as 128 bits, and the upper half is lost. So a
 * function is only compiled with pairs where every vector in it is in one: nothing that pairs leave over, no instruction
 * that V8 cannot pair. Knows instructions; emits nothing.
 */
import { exprOrder, type Instr, type Loop, type Operand } from '@ostinato/core/backend';
import { type Plan, planAxes } from './loop/axes.ts';

/** `plan`: of a loop, where it is known before. Tables move words, and scans have no vectors. */
export const pairs = (instr: Instr, plan?: Plan): boolean =>
  instr.kind === 'contract' || (instr.kind === 'loop' && loopPairs(instr, plan));

/** Ops that are made of instructions which V8 pairs; sines go through doubles. */
const pairedOps: ReadonlySet<string> = new Set([
  ...['arg', 'const', 'add', 'sub', 'mul', 'div', 'min', 'max', 'neg', 'abs', 'sign'],
  ...['sqrt', 'exp', 'log', 'tanh', 'sigmoid', 'erf', 'less', 'lessEqual', 'equal', 'select'],
  ...['and', 'or', 'xor', 'not'],
]);

function loopPairs(loop: Loop, plan: Plan | undefined): boolean {
  const { args, outs, body } = loop;
  const stored = ({ dtype }: Operand): boolean => dtype === 'float32' || dtype === 'bool';
  if (![...args, ...outs].every(stored) || !exprOrder(body).every((x) => pairedOps.has(x.op)))
    return false;
  const { vector, windows } = plan ?? planAxes(loop);
  if (vector.over || vector.size < 8) return false;
  // Outs are dense along the vectors, args are dense or the same for all.
  return windows.every(
    (w, k) => vector.strides[k] === 1 || (w.kind === 'arg' && vector.strides[k] === 0),
  );
}
