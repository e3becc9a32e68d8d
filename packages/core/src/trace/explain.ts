/** What became of a compiled function, for people. Knows programs and their text; makes none. */
import { bytesPerElement } from '../ir/dtype.ts';
import { printProgram } from '../ir/print.ts';
import type { Instr, Program } from '../ir/program.ts';
import type { Built } from './compile.ts';

/** Programs, launches, bytes and scratch of all shapes seen so far. */
export function explain({ built }: { readonly built: Built }): string {
  const { label, backend, programs } = built;
  return [
    `${label} on ${backend}: ${programs.length} compiled`,
    ...programs.map(({ program, executable }) =>
      [explainProgram(program), executable.explain?.()].filter(Boolean).join('\n'),
    ),
  ].join('\n\n');
}

function explainProgram(program: Program): string {
  const bytes = (slots: readonly number[]): number =>
    slots.reduce((n, k) => {
      const s = program.slots[k] as Program['slots'][number];
      return n + s.size * bytesPerElement[s.dtype];
    }, 0);
  const kinds = new Map<string, number>();
  for (const i of program.code) kinds.set(i.kind, (kinds.get(i.kind) ?? 0) + 1);
  const launches = [...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ');
  const scratch = (p: Program): number =>
    p.scratch.reduce((a, b) => a + b, 0) +
    p.code.reduce((n, i: Instr) => n + (i.kind === 'scan' ? scratch(i.body) : 0), 0);
  return [
    `${program.code.length} launches (${launches}); ${bytes(program.inputs)} bytes in, ${bytes(program.outputs)} out, ${scratch(program)} scratch`,
    printProgram(program),
  ].join('\n');
}
