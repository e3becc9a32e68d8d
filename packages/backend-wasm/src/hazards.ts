/** What keeps instructions in their order: places that one writes and another touches. Knows windows and places. */
import {
  argsOfInstr,
  bytesPerElement,
  type Instr,
  type Operand,
  outsOfInstr,
  type Slot,
} from '@ostinato/core/backend';

/** Whether two slots may lie in the same place. */
export function overlap(slots: readonly Slot[], a: number, b: number): boolean {
  const [p, q] = [slots[a] as Slot, slots[b] as Slot];
  if (a === b) return true;
  if (p.arena === undefined || p.arena !== q.arena) return false;
  const end = (s: Slot): number => (s.offset as number) + s.size * bytesPerElement[s.dtype];
  return (p.offset as number) < end(q) && (q.offset as number) < end(p);
}

/** Whether the later one may run beside the earlier one, and before it. */
export function independent(slots: readonly Slot[], earlier: Instr, later: Instr): boolean {
  const meet = (a: readonly Operand[], b: readonly Operand[]): boolean =>
    a.some((p) => b.some((q) => overlap(slots, p.slot, q.slot)));
  const outs = outsOfInstr(later);
  return !(
    meet(outsOfInstr(earlier), [...argsOfInstr(later), ...outs]) || meet(argsOfInstr(earlier), outs)
  );
}
