/** Which instructions are worth several threads, and along which axis they part. Knows costs; emits nothing. */
import { exprOrder, type Instr, type Program, type Scan, sizeOf } from '@ostinato/core/backend';
import { sharedAxis } from '../loop/index.ts';
import { scatterParts } from '../table.ts';
import type { Parts } from '../target.ts';

type Parted = Pick<Parts, 'axis' | 'count'>;

/** Undefined: one thread. `from`: operations from which on several pay. */
export function partsOf(instr: Instr, from: number): Parted | undefined {
  if (operations(instr) < from) return undefined;
  switch (instr.kind) {
    case 'loop':
    case 'contract': {
      const axis = sharedAxis(instr.shape);
      const count = instr.shape[axis] ?? 1;
      return count > 1 ? { axis, count } : undefined;
    }
    case 'scan':
      return rowsPart(instr) && instr.rows ? { axis: null, count: instr.rows.count } : undefined;
    case 'gather':
      return severalOf(instr.shape[0]);
    case 'scatter':
      return severalOf(scatterParts(instr));
  }
}

const severalOf = (count: number): Parted | undefined =>
  count > 1 ? { axis: null, count } : undefined;

/** Every value that leaves a step has rows, and no table or loop inside needs them all. */
export function rowsPart(scan: Scan): boolean {
  const { rows, body } = scan;
  if (!rows || rows.count < 2 || !rows.outputs.every((has) => has)) return false;
  return body.code.every((i) => i.kind === 'loop' || i.kind === 'contract');
}

/** A program's elementary operations. */
export const operationsOf = ({ code }: Program): number =>
  code.reduce((n, i) => n + operations(i), 0);

function operations(instr: Instr): number {
  switch (instr.kind) {
    case 'loop':
      return sizeOf(instr.shape) * sizeOf(instr.over) * exprOrder(instr.body).length;
    case 'contract':
      // A vector unit does products many at a time: eight of them take as long as one of the others.
      return (2 * sizeOf(instr.shape) * sizeOf(instr.over)) / 8;
    case 'scan':
      return instr.length * operationsOf(instr.body);
    // Memory, not maths: an element takes as long as some four operations.
    case 'gather':
      return 4 * sizeOf(instr.shape);
    case 'scatter':
      return 4 * (instr.rows + instr.shape[0]) * instr.shape[1];
  }
}
