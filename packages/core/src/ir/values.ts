/** Which slot wrote what: nothing is read that was never written, or whose place in an arena another value took. */
import { bytesPerElement } from './dtype.ts';
import { type Lattice, pointsOf, visitPoints } from './overlap.ts';
import type { Program, Slot } from './program.ts';
import { type Described, labelOf, type Wrong, words } from './touch.ts';

/** Larger buffers are followed slot by slot only. */
const followedWords = 1 << 16;

/**
 * Follows which slot wrote what, so that nothing is read that was never written or is overwritten by a slot that
 * shares the place.
 */
export function trackValues(program: Program): {
  read(o: Described, wrong: Wrong): void;
  write(o: Described, wrong: Wrong): void;
  finished(slot: number, whole: boolean, wrong: Wrong): void;
} {
  const given = new Set(program.inputs);
  const written = new Set<number>();
  const lost = new Map<number, number>();
  const homeOf = (k: number): string => {
    const { arena } = program.slots[k] as Slot;
    return arena === undefined ? `slot ${k}` : `arena ${arena}`;
  };
  // Per buffer: which slot wrote each word last, plus one.
  const writers = new Map<string, Int32Array>();
  const writerOf = (k: number): Int32Array | undefined => {
    const { arena, size, dtype } = program.slots[k] as Slot;
    const bytes =
      arena === undefined ? size * bytesPerElement[dtype] : (program.scratch[arena] as number);
    if (bytes > followedWords * 4) return undefined;
    const home = homeOf(k);
    const known = writers.get(home) ?? new Int32Array(Math.ceil(bytes / 4));
    writers.set(home, known);
    return known;
  };
  const neighbours = program.slots.map((s, k) =>
    s.arena === undefined
      ? []
      : program.slots.flatMap((t, m) => (m !== k && rangesMeet(s, t) ? [m] : [])),
  );
  const readSlot = (k: number, name: string, touches: readonly Lattice[], wrong: Wrong): void => {
    if (given.has(k)) return;
    const by = lost.get(k);
    if (by !== undefined)
      wrong(
        `${name} was overwritten by ${labelOf(program, by)}. Their places in the arena must not meet.`,
      );
    if (!written.has(k))
      wrong(`${name} is read before it is written. Reorder, or make it an input.`);
    const writer = writerOf(k);
    if (!writer) return;
    for (const t of touches)
      if (pointsOf(t) <= followedWords)
        visitPoints(t, (word) => {
          if (writer[word] !== k + 1)
            wrong(`${name} is written in parts, and word ${word} is not.`);
        });
  };
  return {
    read: (o, wrong) => readSlot(o.operand.slot, o.name, o.touches, wrong),
    write({ operand, touches }) {
      const k = operand.slot;
      written.add(k);
      lost.delete(k);
      for (const m of neighbours[k] as number[]) if (written.has(m)) lost.set(m, k);
      const writer = writerOf(k);
      if (!writer) return;
      for (const t of touches)
        if (pointsOf(t) <= followedWords)
          visitPoints(t, (word) => {
            writer[word] = k + 1;
          });
        else writer.fill(k + 1);
    },
    finished(k, whole, wrong) {
      const name = `output ${labelOf(program, k)}`;
      if (!given.has(k) && !written.has(k))
        wrong(`${name} is never written. Write it, or leave it out.`);
      const { dtype, size } = program.slots[k] as Slot;
      if (whole) readSlot(k, name, [words(dtype, 0, [size], [1])], wrong);
    },
  };
}

function rangesMeet(a: Slot, b: Slot): boolean {
  if (a.arena !== b.arena) return false;
  const end = (s: Slot): number => (s.offset ?? 0) + s.size * bytesPerElement[s.dtype];
  return (a.offset ?? 0) < end(b) && (b.offset ?? 0) < end(a);
}
