/**
 * Program to Program: scratch values share few arenas by when they live. Knows slots and the order of instructions; knows
 * no graph.
 */
import { fail } from '../errors.ts';
import { bytesPerElement } from '../ir/dtype.ts';
import { argsOfInstr, outsOfInstr, type Program, type Slot } from '../ir/program.ts';
import { bind } from './bind.ts';

/** Arenas are cut at this alignment, which suits vectors of four and float64. */
const ALIGN = 16;

/** `limit`: bytes that a slot or an arena may have. */
export function plan(program: Program, limit: number = Number.POSITIVE_INFINITY): Program {
  const code = program.code.map((i) =>
    i.kind === 'scan' ? { ...i, body: plan(i.body, limit) } : i,
  );
  const { slots, scratch } = assignArenas(program, limit);
  return { ...program, slots, scratch, code: code.map((i) => bind(i, slots)) };
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
