/** Operands of any instruction, moved. */
import type { Instr, Operand } from '../ir/program.ts';

export function mapOperands<I extends Instr>(i: I, move: (o: Operand) => Operand): I {
  if (i.kind !== 'scan') return { ...i, args: i.args.map(move), outs: i.outs.map(move) };
  const { consts, init, xs, finals, ys } = i;
  return {
    ...i,
    consts: consts.map(move),
    init: init.map(move),
    xs: xs.map(move),
    finals: finals.map(move),
    ys: ys.map(move),
  };
}
