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

/** Where a slot was put, and the instructions during which it lives. */
interface Placed {
  readonly arena: number;
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly last: number;
}

function assignArenas(program: Program, limit: number): { slots: Slot[]; scratch: number[] } {
  const slots = [...program.slots];
  const callers = new Set([...program.inputs, ...program.outputs]);
  const bytesOf = ({ size, dtype, label }: Slot, align: number): number => {
    const bytes = Math.ceil((size * bytesPerElement[dtype]) / align) * align;
    if (bytes > limit)
      fail(
        'slot-too-large',
        `plan: "${label}" needs ${bytes} bytes, but the backend binds ${limit} at most. Use smaller batches, or checkpoint in scan.`,
      );
    return bytes;
  };
  for (const k of callers) bytesOf(slots[k] as Slot, 1);
  const scratch: number[] = [];
  const placed: Placed[] = [];
  const lives = lifetimes(program);
  const order = [...lives].filter(([k]) => !callers.has(k));
  // Slots of one instruction in the order of their numbers.
  order.sort(([a, x], [b, y]) => x.first - y.first || a - b);
  for (const [k, life] of order) {
    const slot = slots[k] as Slot;
    const bytes = bytesOf(slot, ALIGN);
    const busy = placed.filter((p) => p.first <= life.last && p.last >= life.first);
    let arena = 0;
    const start = (): number =>
      firstGap(
        busy.filter((p) => p.arena === arena),
        bytes,
      );
    let from = start();
    for (; from + bytes > limit; from = start()) arena++;
    const to = from + bytes;
    placed.push({ arena, from, to, ...life });
    scratch[arena] = Math.max(scratch[arena] ?? 0, to);
    slots[k] = { ...slot, arena, offset: from };
  }
  return { slots, scratch };
}

/** First and last instruction that touches each slot. */
function lifetimes({ code }: Program): Map<number, { first: number; last: number }> {
  const lives = new Map<number, { first: number; last: number }>();
  code.forEach((i, last) => {
    for (const { slot } of [...argsOfInstr(i), ...outsOfInstr(i)])
      lives.set(slot, { first: lives.get(slot)?.first ?? last, last });
  });
  return lives;
}

function firstGap(busy: readonly Placed[], bytes: number): number {
  let from = 0;
  for (const b of busy.toSorted((x, y) => x.from - y.from)) {
    if (b.from - from >= bytes) break;
    from = Math.max(from, b.to);
  }
  return from;
}
