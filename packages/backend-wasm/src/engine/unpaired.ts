/**
 * Functions of which V8 makes no pairs of vectors, whatever its flags say: they belong to the whole process, and another
 * thread may have switched the revectoriser on while this one compiles. It begins from stores beside one another, which it
 * knows by their offsets; so each store here has an address of its own. Only where that flag exists.
 */
import type { Func, Statement } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';

export const unpaired = (f: Func): Func => ({ ...f, body: f.body.map(apart) });

function apart(s: Statement): Statement {
  if (s.kind === 'loop') return { ...s, body: s.body.map(apart) };
  if (s.kind === 'if')
    return { ...s, whenTrue: s.whenTrue.map(apart), whenFalse: s.whenFalse.map(apart) };
  if (s.kind !== 'do' || s.op !== 'v128.store') return s;
  const [address, value] = s.args as [Value<'i32'>, Value];
  const [offset = 0] = s.imm;
  return { ...s, args: [i32.add(address, offset), value], imm: [0] };
}
