/** What keeps instructions in their order: places that one writes and another touches. Knows windows and places. */
import {
  bytesPerElement,
  type Instr,
  type Operand,
  outsOfInstr,
  type Slot,
} from '@ostinato/core/backend';
import { readsOf } from './affine.ts';

/** Whether two slots may lie in the same place. */
export function overlap(slots: readonly Slot[], a: number, b: number): boolean {
  const [p, q] = [slots[a] as Slot, slots[b] as Slot];
  if (a === b) return true;
  if (p.arena === undefined || p.arena !== q.arena) return false;
  const end = (s: Slot): number => (s.offset as number) + s.size * bytesPerElement[s.dtype];
  return (p.offset as number) < end(q) && (q.offset as number) < end(p);
}

const meet = (slots: readonly Slot[], a: readonly Operand[], b: readonly Operand[]): boolean =>
  a.some((p) => b.some((q) => overlap(slots, p.slot, q.slot)));

/** Whether the later one may run before the earlier one, if what it computes is kept elsewhere until its turn. */
export const readsNothingOf = (slots: readonly Slot[], later: Instr, earlier: Instr): boolean =>
  !meet(slots, outsOfInstr(earlier), readsOf(later));

/** Whether the later one may run beside the earlier one, and before it. */
export function independent(slots: readonly Slot[], earlier: Instr, later: Instr): boolean {
  const touched = [...readsOf(earlier), ...outsOfInstr(earlier)];
  return readsNothingOf(slots, later, earlier) && !meet(slots, touched, outsOfInstr(later));
}
