/**
 * A program as functions of a module, one per instruction, and the list of calls that runs it. Knows where every slot
 * lies; leaves what an instruction does to loop/, table and contract/.
 */
import { type BufferUse, fail, type Instr, type Program } from '@ostinato/core/backend';
import type { Callee } from './assembler/function.ts';
import { type Pack, prepareInstr } from './instruction.ts';
import type { ModuleBuilder } from './module-builder.ts';
import { need } from './need.ts';
import type { Parts } from './target.ts';

/** Where an argument of a call comes from. */
export type Argument =
  | { readonly kind: 'address'; readonly value: number }
  /** The address of a caller's slot, `plus` some bytes. */
  | { readonly kind: 'slot'; readonly slot: number; readonly plus: number };

/** Some bytes after a place. */
export const behind = (a: Argument, bytes: number): Argument =>
  a.kind === 'address' ? { ...a, value: a.value + bytes } : { ...a, plus: a.plus + bytes };

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
  /** Inputs that are packed and stay packed. */
  readonly packed: ReadonlySet<number>;
}

/** What instructions that run together need to know of the program around them. */
export interface Surroundings {
  /** Slots that stay the same from run to run. */
  readonly constants: ReadonlySet<number>;
  /** How threads share an instruction of this program. */
  readonly partsOf: (instr: Instr) => Parts | undefined;
  readonly place: (use: BufferUse) => Argument;
  /** A call that packs an operand whose buffer begins at `from`. */
  readonly callOf: (pack: Pack, from: Argument) => Call;
}

export function buildProgram(module: ModuleBuilder, program: Program): Built {
  checkTypes(program);
  const { threads } = module.machine;
  const homeOf = module.homesIn(program, (bytes, label) => module.reserve(bytes, label));
  const place = (use: BufferUse): Argument => {
    const home = homeOf(use);
    return home
      ? { kind: 'address', value: home.imm[0] as number }
      : { kind: 'slot', slot: use.index, plus: 0 };
  };

  // What only comes in stays the same from run to run unless somebody writes it.
  const constants = new Set(program.inputs.filter((k) => !program.outputs.includes(k)));
  const calls: Call[] = [];
  const packed = new Set<number>();
  const callOf: Surroundings['callOf'] = ({ function: pack, plus, slot }, from) => {
    const call = { function: pack, args: [behind(from, plus)] };
    if (!constants.has(slot)) return call;
    packed.add(slot);
    return { ...call, ifChanged: slot };
  };
  const awake = program.code.some((i) => threads.partsOf(i));
  const partsOf: Surroundings['partsOf'] = (i) => threads.partsOf(i, awake);
  const around = { constants, partsOf, place, callOf };
  // Programs that reduce are those that train.
  const groups = program.code.some(reduces)
    ? need(module.machine.extras).callsOfGroups(module, program, around)
    : undefined;
  program.code.forEach((instr, k) => {
    const group = groups?.get(instr);
    if (group) {
      calls.push(...group);
      return;
    }
    const parts = partsOf(instr);
    const prepared = prepareInstr(module, instr, `${instr.kind}_${k}`, {
      constants,
      ...(parts && { range: parts }),
    });
    for (const pack of prepared.packs) calls.push(callOf(pack, place(pack.buffer)));
    calls.push({
      function: prepared.main,
      args: instr.buffers.map(place),
      ...(parts && { parts: prepared.parts ?? parts.count }),
    });
  });
  return { calls, packed };
}

export const reduces = (i: Instr): boolean => i.kind === 'loop' && i.over.length > 0;

function checkTypes(program: Program): void {
  for (const slot of program.slots)
    if (slot.dtype === 'float64')
      fail(
        'unsupported-dtype',
        `wasm: "${slot.label}" is float64. This backend has 32-bit elements; cast to float32.`,
      );
  for (const i of program.code) if (i.kind === 'scan') checkTypes(i.body);
}
