/**
 * Program to Program: donated inputs take outputs in place, and scratch values share few arenas by when they live.
 * Knows slots and the order of instructions; knows no graph.
 */
import { fail } from '../errors.ts';
import { bytesPerElement } from '../ir/dtype.ts';
import {
  argsOfInstr,
  type Instr,
  type Operand,
  outsOfInstr,
  type Program,
  type Slot,
} from '../ir/program.ts';
import { bind } from './bind.ts';

export interface PlanOptions {
  /** Input and output numbers that may share a buffer. */
  readonly donations?: readonly (readonly [input: number, output: number])[];
  readonly limits?: { readonly bindingBytes: number };
}

/** Arenas are cut at this alignment, which suits vectors of four and float64. */
const ALIGN = 16;

export function plan(program: Program, options: PlanOptions = {}): Program {
  const donated = donate(program, options.donations ?? []);
  const bodies = donated.code.map((i) =>
    i.kind === 'scan'
      ? { ...i, body: plan(i.body, { limits: options.limits ?? { bindingBytes: Infinity } }) }
      : i,
  );
  const limit = options.limits?.bindingBytes ?? Number.POSITIVE_INFINITY;
  const { slots, scratch } = assignArenas({ ...donated, code: bodies }, limit);
  return { ...donated, slots, scratch, code: bodies.map((i) => bind(i, slots)) };
}

/** First and last instruction that touches each slot. */
function lifetimes(program: Program): { first: number; last: number }[] {
  const lives = program.slots.map(() => ({ first: Number.POSITIVE_INFINITY, last: -1 }));
  program.code.forEach((instr, k) => {
    for (const o of [...argsOfInstr(instr), ...outsOfInstr(instr)]) {
      const life = lives[o.slot] as { first: number; last: number };
      life.first = Math.min(life.first, k);
      life.last = k;
    }
  });
  return lives;
}

function assertFits({ label }: Slot, bytes: number, limit: number): void {
  if (bytes > limit)
    fail(
      'slot-too-large',
      `plan: "${label}" needs ${bytes} bytes, but the backend binds ${limit} at most. Use smaller batches, or checkpoint in scan.`,
    );
}

function assignArenas(program: Program, limit: number): { slots: Slot[]; scratch: number[] } {
  const callers = new Set([...program.inputs, ...program.outputs]);
  const lives = lifetimes(program);
  const scratch: number[] = [];
  const placed: { arena: number; from: number; to: number; first: number; last: number }[] = [];
  const slots = [...program.slots];
  for (const k of callers) {
    const slot = slots[k] as Slot;
    assertFits(slot, slot.size * bytesPerElement[slot.dtype], limit);
  }
  const order = program.slots
    .map((_, k) => k)
    .filter((k) => !callers.has(k) && (lives[k]?.last ?? -1) >= 0)
    .sort((a, b) => (lives[a]?.first ?? 0) - (lives[b]?.first ?? 0) || a - b);
  for (const k of order) {
    const slot = slots[k] as Slot;
    const bytes = Math.ceil((slot.size * bytesPerElement[slot.dtype]) / ALIGN) * ALIGN;
    assertFits(slot, bytes, limit);
    const life = lives[k] as { first: number; last: number };
    const busy = placed.filter((p) => p.first <= life.last && p.last >= life.first);
    let home: { arena: number; from: number } | undefined;
    for (let arena = 0; !home; arena++) {
      const from = firstGap(
        busy.filter((p) => p.arena === arena),
        bytes,
      );
      if (from + bytes <= limit) home = { arena, from };
    }
    placed.push({ ...home, to: home.from + bytes, ...life });
    scratch[home.arena] = Math.max(scratch[home.arena] ?? 0, home.from + bytes);
    slots[k] = { ...slot, arena: home.arena, offset: home.from };
  }
  return { slots, scratch };
}

function firstGap(busy: readonly { from: number; to: number }[], bytes: number): number {
  let from = 0;
  for (const b of [...busy].sort((x, y) => x.from - y.from)) {
    if (b.from - from >= bytes) break;
    from = Math.max(from, b.to);
  }
  return from;
}

/**
 * Makes an output the slot of a donated input, where every read of the old value comes before the new one is written,
 * or in the same loop at the same place.
 */
function donate(program: Program, pairs: readonly (readonly [number, number])[]): Program {
  const rename = new Map<number, number>();
  for (const [i, o] of pairs) {
    const from = program.inputs[i] as number;
    const to = program.outputs[o] as number;
    if (canShare(program, from, to)) rename.set(to, from);
  }
  if (rename.size === 0) return program;
  const slot = (k: number): number => rename.get(k) ?? k;
  const move = (operand: Operand): Operand => ({ ...operand, slot: slot(operand.slot) });
  const code = program.code.map((i): Instr => {
    if (i.kind === 'scan')
      return {
        ...i,
        consts: i.consts.map(move),
        init: i.init.map(move),
        xs: i.xs.map(move),
        finals: i.finals.map(move),
        ys: i.ys.map(move),
      };
    return { ...i, args: i.args.map(move), outs: i.outs.map(move) } as Instr;
  });
  return { ...program, outputs: program.outputs.map(slot), code };
}

function canShare(program: Program, from: number, to: number): boolean {
  const a = program.slots[from] as Slot;
  const b = program.slots[to] as Slot;
  if (a.size !== b.size || a.dtype !== b.dtype) return false;
  const reads = program.code.flatMap((i, k) =>
    argsOfInstr(i).some((x) => x.slot === from) ? [k] : [],
  );
  const writes = program.code.flatMap((i, k) =>
    outsOfInstr(i).some((x) => x.slot === to) ? [k] : [],
  );
  const lastRead = reads.at(-1) ?? -1;
  const firstWrite = writes[0] ?? -1;
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
