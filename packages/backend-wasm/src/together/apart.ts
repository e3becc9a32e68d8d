/**
 * Instructions that run elsewhere than their place in the program says: each operand is in a buffer of its own, so that the
 * caller says where it begins, and results may have to wait until it is their turn. Knows addresses; emits only copies.
 */
import {
  type BufferUse,
  type Contract,
  extent,
  type Instr,
  type Loop,
  type Operand,
  sizeOf,
} from '@ostinato/core/backend';
import { i32 } from '../assembler/instructions.ts';
import { emitFromPanels } from '../contract/joint.ts';
import type { ContractPlan } from '../contract/plan.ts';
import type { ModuleBuilder } from '../module-builder.ts';
import { type Argument, behind, type Call, type Surroundings } from '../program.ts';

type Place = Surroundings['place'];

export const fixed = (value: number): Argument => ({ kind: 'address', value });

export const addressOf = ({ imm }: ReturnType<ModuleBuilder['reserve']>): number =>
  imm[0] as number;

/** Where an operand begins, and some elements behind. */
export function addressIn(
  instr: Instr,
  operand: Operand,
  elements: number,
  place: Place,
): Argument {
  const start = place(instr.buffers[operand.buffer] as BufferUse);
  return behind(start, 4 * (operand.offset + elements));
}

/** The same instruction with a buffer for each of its operands, args first. */
export function apart<I extends Contract | Loop>(instr: I): I {
  const { operands, buffers } = separate([...instr.args, ...instr.outs]);
  const args = operands.splice(0, instr.args.length);
  return { ...instr, args, outs: operands, buffers };
}

export const separate = (
  operands: readonly Operand[],
): { operands: Operand[]; buffers: readonly BufferUse[] } => ({
  operands: operands.map((o, buffer) => ({ ...o, buffer, offset: 0 })),
  buffers: operands.map(({ slot }) => ({ source: 'slot', index: slot, access: 'readwrite' })),
});

/** Whether an out is one run of memory, so that it can be kept and copied. */
export function isWhole({ shape, outs }: Contract | Loop): boolean {
  const { low, high } = extent(shape, outs[0]?.strides ?? []);
  return outs.length === 1 && low === 0 && high === sizeOf(shape);
}

export interface Kept {
  readonly at: Argument;
  /** Copies it to where the program has it. */
  readonly bring: Call;
}

/** A place for a result whose own may be in use until it is its turn; laid out in panels there, if `plan` is given. */
export function keep(
  module: ModuleBuilder,
  instr: Contract | Loop,
  name: string,
  place: Place,
  plan?: ContractPlan,
): Kept {
  const bytes = 4 * sizeOf(instr.shape);
  const from = module.reserve(bytes, `${name} result`);
  const bring = module.define(`${name}_bring`, ['to'], false, (f, [to]) => {
    if (!to) return;
    if (plan) emitFromPanels(f, plan, { from, to });
    else f.do('memory.copy', [f.get(to), from, i32.const(bytes)]);
  });
  const out = instr.outs[0] as Operand;
  return {
    at: fixed(addressOf(from)),
    bring: { function: bring, args: [addressIn(instr, out, 0, place)] },
  };
}
