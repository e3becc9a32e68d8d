/**
 * Program to Program: instructions that touch more buffers than a device binds come in pieces. Loops become several,
 * each with some of the outs; a scan reads copies of the smallest of the caller's arrays, and writes such. Runs before
 * scratch and donations are planned, so that a value written in place is known to be read no more.
 */
import { fail } from '../errors.ts';
import { arg, exprOrder, mapLeaves } from '../ir/expr.ts';
import type { Instr, Loop, Operand, Program, Scan, Slot } from '../ir/program.ts';
import { argsOfInstr, outsOfInstr } from '../ir/program.ts';
import { bind } from './bind.ts';
import { mapOperands } from './operands.ts';

/** Bodies of scans are left alone: their slots lie in the few buffers that the scan itself touches. */
export function split(program: Program, buffers: number): Program {
  const callers = new Set([...program.inputs, ...program.outputs]);
  const slots = [...program.slots];
  // All scratch will lie in one arena.
  const bufferOf = (o: Operand): number => (callers.has(o.slot) ? o.slot : -1);
  const count = (i: Instr): number =>
    new Set([...argsOfInstr(i), ...outsOfInstr(i)].map(bufferOf)).size;
  // Not what is bound so far: passes before this one may have added operands.
  if (program.code.every((i) => count(i) <= buffers)) return program;
  const code = program.code.flatMap((i): Instr[] => {
    if (count(i) <= buffers) return [i];
    if (i.kind === 'loop') return splitLoop(i, buffers, bufferOf);
    if (i.kind !== 'scan') return [i];
    return stage(
      i,
      count(i) + 1 - buffers,
      slots,
      (slot) => callers.has(slot),
      (slot) => {
        const writes = (other: Instr): boolean => outsOfInstr(other).some((o) => o.slot === slot);
        return program.code.some((other) => other !== i && writes(other));
      },
    );
  });
  return { ...program, slots, code: code.map((i) => bind(i, slots)) };
}

/**
 * Lets a scan take `many` of the caller's arrays from scratch, or leave them there: the smallest ones, copied before and
 * after. An array that is both read and written stays, and so does one that others write parts of.
 */
function stage(
  scan: Scan,
  many: number,
  slots: Slot[],
  isCallers: (slot: number) => boolean,
  isShared: (slot: number) => boolean,
): Instr[] {
  const size = (slot: number): number => slots[slot]?.size ?? 0;
  const read = new Set(argsOfInstr(scan).map((o) => o.slot));
  const written = new Set(outsOfInstr(scan).map((o) => o.slot));
  const alone = (slot: number): boolean => (read.has(slot) ? !written.has(slot) : !isShared(slot));
  const copies = new Map<number, number>();
  const staged = [...new Set([...read, ...written])]
    .filter((slot) => isCallers(slot) && alone(slot))
    .sort((a, b) => size(a) - size(b))
    .slice(0, many);
  for (const slot of staged) {
    const { dtype, label } = slots[slot] as Slot;
    copies.set(slot, slots.push({ dtype, size: size(slot), label: `${label} copy` }) - 1);
  }
  const copy = (from: number, to: number): Loop => {
    const { dtype } = slots[from] as Slot;
    const whole = { buffer: 0, dtype, offset: 0, strides: [1] };
    return {
      kind: 'loop',
      buffers: [],
      shape: [size(from)],
      over: [],
      combine: 'sum',
      args: [{ ...whole, slot: from }],
      body: [arg(0)],
      outs: [{ ...whole, slot: to }],
    };
  };
  const move = (o: Operand): Operand => ({ ...o, slot: copies.get(o.slot) ?? o.slot });
  const moved = mapOperands(scan, move);
  const of = (set: ReadonlySet<number>) => [...copies].filter(([slot]) => set.has(slot));
  return [
    ...of(read).map(([slot, here]) => copy(slot, here)),
    moved,
    ...of(written).map(([slot, here]) => copy(here, slot)),
  ];
}

function splitLoop(loop: Loop, limit: number, bufferOf: (o: Operand) => number): Loop[] {
  const groups: { outs: number[]; buffers: Set<number> }[] = [];
  loop.outs.forEach((out, k) => {
    const needs = new Set([bufferOf(out), ...argsRead(loop, k).map(bufferOf)]);
    if (needs.size > limit)
      fail(
        'program-invalid',
        `split: one value of a loop reads ${needs.size - 1} of the caller's buffers, but the backend binds ${limit} at once. Combine fewer arguments in one expression, or stack them into one tensor.`,
      );
    const open = groups.at(-1);
    const joined = new Set([...(open?.buffers ?? []), ...needs]);
    if (open && joined.size <= limit) {
      open.outs.push(k);
      open.buffers = joined;
    } else groups.push({ outs: [k], buffers: needs });
  });
  return groups.map(({ outs }) => loopOf(loop, outs));
}

/** The args that out `k` depends on. */
function argsRead(loop: Loop, k: number): Operand[] {
  const body = loop.body[k] as Loop['body'][number];
  return exprOrder([body]).flatMap((x) => (x.op === 'arg' ? [loop.args[x.index] as Operand] : []));
}

/** The loop with only some of its outs, and the args that they read. */
export function loopOf(loop: Loop, outs: readonly number[]): Loop {
  const args: Operand[] = [];
  const memo: Parameters<typeof mapLeaves>[2] = new Map();
  const body = outs.map((k) =>
    mapLeaves(
      loop.body[k] as Loop['body'][number],
      (leaf) => {
        if (leaf.op !== 'arg') return leaf;
        const operand = loop.args[leaf.index] as Operand;
        const known = args.indexOf(operand);
        return arg(known >= 0 ? known : args.push(operand) - 1);
      },
      memo,
    ),
  );
  return { ...loop, args, body, outs: outs.map((k) => loop.outs[k] as Operand) };
}
