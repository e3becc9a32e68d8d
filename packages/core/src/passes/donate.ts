/** Program to Program: donated inputs take outputs in place. Knows slots and the order of instructions; knows no graph. */
import { argsOfInstr, type Operand, outsOfInstr, type Program, type Slot } from '../ir/program.ts';
import { mapOperands } from './operands.ts';

/**
 * Makes an output the slot of a donated input, where every read of the old value comes before the new one is written,
 * or in the same loop at the same place.
 */
export function donate(
  program: Program,
  pairs: readonly (readonly [input: number, output: number])[],
): Program {
  const rename = new Map<number, number>();
  const uses = usesOf(program);
  for (const [i, o] of pairs) {
    const from = program.inputs[i] as number;
    const to = program.outputs[o] as number;
    if (canShare(program, uses, { from, to })) rename.set(to, from);
  }
  if (rename.size === 0) return program;
  const slot = (k: number): number => rename.get(k) ?? k;
  const move = (operand: Operand): Operand => ({ ...operand, slot: slot(operand.slot) });
  const code = program.code.map((i) => mapOperands(i, move));
  return { ...program, outputs: program.outputs.map(slot), code };
}

/** Of each slot, the last instruction that reads it and the first that writes it. */
interface Uses {
  readonly lastRead: ReadonlyMap<number, number>;
  readonly firstWrite: ReadonlyMap<number, number>;
}

function usesOf({ code }: Program): Uses {
  const lastRead = new Map<number, number>();
  const firstWrite = new Map<number, number>();
  code.forEach((i, k) => {
    for (const { slot } of argsOfInstr(i)) lastRead.set(slot, k);
    for (const { slot } of outsOfInstr(i)) if (!firstWrite.has(slot)) firstWrite.set(slot, k);
  });
  return { lastRead, firstWrite };
}

function canShare(
  program: Program,
  uses: Uses,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const a = program.slots[from] as Slot;
  const b = program.slots[to] as Slot;
  if (a.size !== b.size || a.dtype !== b.dtype) return false;
  const lastRead = uses.lastRead.get(from) ?? -1;
  const firstWrite = uses.firstWrite.get(to) ?? -1;
  if (lastRead < firstWrite) return true;
  const instr = program.code[firstWrite];
  if (lastRead !== firstWrite || instr?.kind !== 'loop' || instr.over.length > 0) return false;
  const outs = instr.outs.filter((x) => x.slot === to);
  return (
    outs.length === 1 &&
    instr.args.every(
      (x) =>
        x.slot !== from ||
        (x.offset === outs[0]?.offset && `${x.strides}` === `${outs[0]?.strides}`),
    )
  );
}
