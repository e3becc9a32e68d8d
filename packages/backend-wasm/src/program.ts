/**
 * A program as functions of a module, one per instruction, and the list of calls that runs it. Knows where every slot
 * lies; leaves what an instruction does to loop/, table and contract/.
 */
import { type BufferUse, fail, type Instr, type Program } from '@ostinato/core/backend';
import type { Callee } from './assembler/function.ts';
import { prepareInstr } from './instruction.ts';
import type { ModuleBuilder } from './module-builder.ts';
import { need } from './need.ts';

/** Where an argument of a call comes from. */
export type Argument =
  | { readonly kind: 'address'; readonly value: number }
  /** The address of a caller's slot, `plus` some bytes. */
  | { readonly kind: 'slot'; readonly slot: number; readonly plus?: number }
  /** Which packed inputs have changed since the last run, one bit each; `plus` a bit that none of them has. */
  | { readonly kind: 'changed'; readonly plus?: number };

export interface Call {
  readonly function: Callee;
  readonly args: readonly Argument[];
  /** Only if this input has changed since the last run. */
  readonly ifChanged?: number;
  /** So many parts can run at once: three more arguments say the first, how many, and in which thread. */
  readonly parts?: number;
}

/** The calls of instructions that run together. */
export interface Together {
  readonly members: readonly Instr[];
  /** In the place of the first of them. */
  readonly calls: readonly Call[];
  /** In their own places. */
  readonly later: ReadonlyMap<Instr, readonly Call[]>;
}

export interface Built {
  readonly calls: readonly Call[];
  /** Inputs that are packed and stay packed, each with its bit of `changed`. */
  readonly packed: ReadonlyMap<number, number>;
}

/** What instructions that run together need to know of the program around them. */
export interface Surroundings {
  /** Slots that stay the same from run to run, each with its bit of `changed`. */
  readonly constants: ReadonlyMap<number, number>;
  readonly place: (use: BufferUse) => Argument;
  /** Says that such a slot is packed. */
  readonly use: (slot: number) => void;
}

export function buildProgram(module: ModuleBuilder, program: Program): Built {
  checkTypes(program);
  const { threads } = module.machine;
  const homeOf = module.homesIn(program, (bytes, label) => module.reserve(bytes, label));
  const place = (use: BufferUse): Argument => {
    const home = homeOf(use);
    return home
      ? { kind: 'address', value: home.imm[0] as number }
      : { kind: 'slot', slot: use.index };
  };

  // What only comes in stays the same from run to run unless somebody writes it.
  const still = program.inputs.filter((k) => !program.outputs.includes(k));
  const bits = new Map(still.slice(0, 31).map((slot, k) => [slot, 1 << k]));
  const calls: Call[] = [];
  const packed = new Map<number, number>();
  const use = (slot: number): void => {
    packed.set(slot, bits.get(slot) as number);
  };
  // Programs that sum are those that train.
  const groups = program.code.some((i) => i.kind === 'loop' && i.over.length > 0)
    ? need(module.machine.extras).callsOfGroups(module, program, { constants: bits, place, use })
    : undefined;
  program.code.forEach((instr, k) => {
    const group = groups?.get(instr);
    if (group) {
      calls.push(...group);
      return;
    }
    const parts = threads.partsOf(instr);
    const prepared = prepareInstr(module, instr, `${instr.kind}_${k}`, {
      constants: bits,
      ...(parts ? { range: { axis: parts.axis } } : {}),
    });
    const args = instr.buffers.map(place);
    for (const { pack, slot, constant } of prepared.packs) {
      if (constant) use(slot);
      calls.push({ function: pack, args, ...(constant ? { ifChanged: slot } : {}) });
    }
    prepared.inner.forEach(use);
    calls.push({
      function: prepared.main,
      args: instr.kind === 'scan' ? [...args, { kind: 'changed' }] : args,
      ...(parts && { parts: prepared.parts ?? parts.count }),
    });
  });
  return { calls, packed };
}

function checkTypes(program: Program): void {
  for (const slot of program.slots)
    if (slot.dtype === 'float64')
      fail(
        'unsupported-dtype',
        `wasm: "${slot.label}" is float64. This backend has 32-bit elements; cast to float32.`,
      );
  for (const i of program.code) if (i.kind === 'scan') checkTypes(i.body);
}
