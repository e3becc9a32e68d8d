/**
 * A long reduction to few results becomes two: one for each index of an axis, which threads can share, and the reduction
 * of those. For any number of threads, so that every bit is the same. Each part is rounded, so where parts cancel a sum
 * is that much less exact. Program to program; knows windows.
 */
import {
  type Access,
  arg,
  type BufferUse,
  denseStrides,
  exprOrder,
  type Instr,
  type Loop,
  type Operand,
  type Program,
  type Slot,
  sizeOf,
} from '@ostinato/core/backend';
import { divisorNear } from '../contract/depth.ts';
import { independent } from '../hazards.ts';
import { FEW } from '../loop/axes.ts';

/** Elements from which on threads gain by sharing it. */
const LEAST = 1 << 16;
/** An axis of more indices leaves much to add up. */
const MANY = 1024;

export function shareReductions(program: Program): Program {
  const slots = [...program.slots];
  const stacks = program.code.flatMap((i): readonly Stack[] =>
    i.kind === 'scan'
      ? i.ys.map(({ slot, strides: [step] }) => ({ slot, step, length: i.length }))
      : [],
  );
  const code: Instr[] = [];
  let late: readonly Loop[] = [];
  for (const instr of program.code) {
    // Reductions of parts wait as long as they can: until then strips may make the parts (together/makers.ts).
    const due = late.filter((whole) => !independent(slots, whole, instr));
    late = late.filter((whole) => !due.includes(whole));
    const two =
      instr.kind === 'loop' && isLong(instr)
        ? inTwo(instr, stacks, (slot) => slots.push(slot) - 1)
        : undefined;
    code.push(...due, two?.parts ?? instr);
    if (two) late = [...late, two.whole];
  }
  return slots.length === program.slots.length
    ? program
    : { ...program, slots, code: [...code, ...late] };
}

/** What a time loop wrote. */
interface Stack {
  readonly slot: number;
  /** Its stride along time. */
  readonly step: number | undefined;
  readonly length: number;
}

/** Values that depend on an axis know it by its number, so such loops stay as they are. */
const isLong = ({ shape, over, body }: Loop): boolean =>
  sizeOf(over) >= LEAST && sizeOf(shape) < FEW && exprOrder(body).every((x) => x.op !== 'axis');

function inTwo(
  loop: Loop,
  stacks: readonly Stack[],
  add: (slot: Slot) => number,
): { readonly parts: Loop; readonly whole: Loop } | undefined {
  const cut = cutAxis(loop, stacks);
  if (!cut) return undefined;
  const { shape, args, outs, buffers } = loop;
  const { parts, over, stridesOf } = cut;
  const size = sizeOf(shape);
  const slots = outs.map(({ dtype, slot }, k) =>
    add({ dtype, size: parts * size, label: `parts ${k} of ${slot}` }),
  );
  const operand = (k: number, strides: readonly number[]): Operand => ({
    slot: slots[k] as number,
    buffer: k,
    dtype: (outs[k] as Operand).dtype,
    offset: 0,
    strides,
  });
  const uses = (access: Access): BufferUse[] =>
    slots.map((index) => ({ source: 'slot', index, access }));
  const dense = denseStrides(shape);
  const read = rebound(buffers, args, 'read', outs.length);
  const written = rebound(buffers, outs, 'write', outs.length);
  const inParts: Loop = {
    ...loop,
    buffers: [...uses('write'), ...read.buffers],
    shape: [parts, ...shape],
    over,
    args: read.operands.map((o) => ({ ...o, strides: stridesOf(o) })),
    outs: outs.map((_, k) => operand(k, [size, ...dense])),
  };
  const whole: Loop = {
    ...loop,
    buffers: [...uses('read'), ...written.buffers],
    over: [parts],
    args: outs.map((_, k) => operand(k, [...dense, size])),
    body: outs.map((_, k) => arg(k)),
    outs: written.operands,
  };
  return { parts: inParts, whole };
}

/** The operands with no other buffers than theirs, which come behind `first` others. */
function rebound(
  buffers: readonly BufferUse[],
  operands: readonly Operand[],
  access: Access,
  first: number,
): { readonly buffers: readonly BufferUse[]; readonly operands: readonly Operand[] } {
  const used = [...new Set(operands.map((o) => o.buffer))];
  return {
    buffers: used.map((k) => ({ ...(buffers[k] as BufferUse), access })),
    operands: operands.map((o) => ({ ...o, buffer: first + used.indexOf(o.buffer) })),
  };
}

interface Cut {
  readonly parts: number;
  readonly over: readonly number[];
  /** Of an arg: along the parts, the shape, and the new `over`. */
  readonly stridesOf: (o: Operand) => readonly number[];
}

/** Time, where it reads what a time loop wrote; or the axis along which memory goes farthest, or some of its indices at a time. */
function cutAxis({ shape, over, args }: Loop, stacks: readonly Stack[]): Cut | undefined {
  const along = (o: Operand, k: number): number => o.strides[shape.length + k] as number;
  const farthest = (k: number): number => Math.max(0, ...args.map((o) => Math.abs(along(o, k))));
  const isTime = (k: number): boolean =>
    args.some((o) =>
      stacks.some((s) => s.slot === o.slot && s.step === along(o, k) && s.length === over[k]),
    );
  const cuts = over.flatMap((n, axis) => {
    const parts = n <= MANY || isTime(axis) ? n : divisorNear(n, 64);
    return parts !== undefined && parts >= FEW ? [{ axis, parts, each: n / parts }] : [];
  });
  const far = ({ axis }: { readonly axis: number }): number =>
    isTime(axis) ? Number.MAX_VALUE : farthest(axis);
  const [cut] = cuts.sort((p, q) => far(q) - far(p));
  return (
    cut && {
      parts: cut.parts,
      over: over.with(cut.axis, cut.each),
      stridesOf: (o) => [cut.each * along(o, cut.axis), ...o.strides],
    }
  );
}
