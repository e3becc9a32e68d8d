/** What makes time loops of a program do more, with less to store and load, before it is built. */
import { arg, type Instr, type Loop, type Program } from '@ostinato/core/backend';
import type { Machine } from '../module-builder.ts';
import { absorb } from './absorb.ts';
import { cut } from './cut.ts';
import { addOnto } from './onto.ts';
import { sink } from './sink.ts';

export const tighten = (program: Program, machine: Machine): Program =>
  separateSums(addOnto(absorb(cut(sink(program, machine.sinks)), machine), machine));

/** Sums of several operands side by side, each by itself: then each can join products that read it (together/joint.ts). */
function separateSums(program: Program): Program {
  const apart = program.code.flatMap((i): readonly Instr[] =>
    i.kind === 'loop' ? sumsOf(i) : [i],
  );
  return apart.length === program.code.length ? program : { ...program, code: apart };
}

function sumsOf(loop: Loop): readonly Loop[] {
  const { body, args, outs, over, combine } = loop;
  const values = body.map((x) => (x.op === 'arg' ? args[x.index] : undefined));
  const plain = over.length > 0 && combine === 'sum' && values.every((v) => v !== undefined);
  return plain
    ? values.map((v, k) => ({
        ...loop,
        args: [v],
        body: [arg(0)],
        outs: outs.slice(k, k + 1),
      }))
    : [loop];
}
