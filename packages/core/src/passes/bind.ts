/** Which buffers an instruction touches, and where its operands lie in them. Knows slots and arenas, no meaning. */
import { bytesPerElement } from '../ir/dtype.ts';
import type { Access, BufferUse, Instr, Operand, Slot } from '../ir/program.ts';

/** The instruction with its buffers listed. Operands come with offsets from the start of their slot. */
export function bind(i: Instr, slots: readonly Slot[]): Instr {
  const uses: { source: 'slot' | 'arena'; index: number; access: Access }[] = [];
  const touch =
    (access: 'read' | 'write') =>
    (o: Operand): Operand => {
      const slot = slots[o.slot] as Slot;
      const source = slot.arena === undefined ? 'slot' : 'arena';
      const index = slot.arena ?? o.slot;
      let buffer = uses.findIndex((u) => u.source === source && u.index === index);
      if (buffer < 0) buffer = uses.push({ source, index, access }) - 1;
      const use = uses[buffer] as { access: Access };
      if (use.access !== access) use.access = 'readwrite';
      const base = (slot.offset ?? 0) / bytesPerElement[slot.dtype];
      return { ...o, dtype: slot.dtype, buffer, offset: o.offset + base };
    };
  const read = touch('read');
  const write = touch('write');
  const buffers: readonly BufferUse[] = uses;
  if (i.kind === 'scan')
    return {
      ...i,
      consts: i.consts.map(read),
      init: i.init.map(read),
      xs: i.xs.map(read),
      finals: i.finals.map(write),
      ys: i.ys.map(write),
      buffers,
    };
  return { ...i, args: i.args.map(read), outs: i.outs.map(write), buffers } as Instr;
}
