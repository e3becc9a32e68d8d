/**
 * A program as functions of a module: one per instruction, and one that calls them in order. Knows where every slot
 * lies; leaves what an instruction does to loop/, table and contract/.
 */
import { type BufferUse, type Contract, contractAsLoop, fail, type Instr, type Program, type Scan } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from './assembler/function.ts';
import { i32, type Value } from './assembler/instructions.ts';
import { emitPack, emitProduct, planContract, suits } from './contract/index.ts';
import { emitLoop } from './loop/index.ts';
import type { ModuleBuilder } from './module-builder.ts';
import { emitGather, emitScatter } from './table.ts';

type Address = Value<'i32'>;

export interface Built {
  /** Slots whose addresses the exported function takes: inputs first, donated ones once. */
  readonly callers: readonly number[];
  /** Inputs that are packed, with the bit of the last parameter that says they have changed since the last call. */
  readonly packed: ReadonlyMap<number, number>;
}

/** Defines the function `run(address of each caller's slot ..., changed)`. */
export function buildProgram(module: ModuleBuilder, program: Program): Built {
  checkTypes(program);
  const callers = [...new Set([...program.inputs, ...program.outputs])];
  const names = callers.map((k) => nameOf(program.slots[k]?.label, k));
  const still = program.inputs.filter((k) => !program.outputs.includes(k));
  const bits = new Map(still.slice(0, 31).map((slot, k) => [slot, 1 << k]));
  const constants: Constants = new Map(still.map((slot) => [slot, bits.get(slot) ?? null]));
  const prepared = prepareProgram(module, program, '', constants);
  module.define(
    'run',
    [...names, 'changed'],
    (f, params) => {
      const address = new Map(callers.map((slot, k) => [slot, f.get(params[k] as Local<'i32'>)]));
      const slot = (k: number): Address => address.get(k) as Address;
      const changed = f.get(params.at(-1) as Local<'i32'>);
      prepared.once(f, slot, changed);
      prepared.step(f, slot, changed);
    },
    { exported: true },
  );
  return { callers, packed: new Map([...bits].filter(([slot]) => prepared.packs.has(slot))) };
}

function checkTypes(program: Program): void {
  for (const slot of program.slots)
    if (slot.dtype === 'float64')
      fail('unsupported-dtype', `wasm: "${slot.label}" is float64. This backend has 32-bit elements; cast to float32, or use the reference.`);
  for (const i of program.code) if (i.kind === 'scan') checkTypes(i.body);
}

const nameOf = (label: string | undefined, k: number): string =>
  `${(label ?? 'slot').replaceAll(/[^A-Za-z0-9_]/g, '_')}_${k}`;

/** Slots that are the same in every step, with their bit of `changed`; null: nobody knows, so they count as changed. */
type Constants = ReadonlyMap<number, number | null>;

interface Prepared {
  /** Constant slots that are packed, here or in a loop inside. */
  readonly packs: ReadonlySet<number>;
  /** Packs constant operands that have changed. */
  once(f: FunctionBuilder, slot: (slot: number) => Address, changed: Address): void;
  /** All instructions, once. */
  step(f: FunctionBuilder, slot: (slot: number) => Address, changed: Address): void;
}

/** Defines a function per instruction. `prefix` keeps the names of loops in loops apart. */
function prepareProgram(
  module: ModuleBuilder,
  program: Program,
  prefix: string,
  constants: Constants,
): Prepared {
  const arenas = program.scratch.map((bytes, k) => module.static_(bytes, `${prefix}arena${k}`));
  const callers = new Set([...program.inputs, ...program.outputs]);
  const own = program.slots.map((slot, k) =>
    slot.arena === undefined && !callers.has(k) && isUsed(program, k)
      ? module.static_(slot.size * 4, slot.label)
      : undefined,
  );
  const place = (use: BufferUse, slot: (k: number) => Address): Address =>
    (use.source === 'arena' ? arenas[use.index] : (own[use.index] ?? slot(use.index))) as Address;
  const calls = program.code.map((instr, k) => ({
    instr,
    ...prepareInstr(module, instr, `${prefix}${instr.kind}_${k}`, constants),
  }));
  return {
    packs: new Set(calls.flatMap(({ packs, inner }) => [...packs.map((p) => p.slot), ...inner])),
    once(f, slot, changed) {
      for (const { instr, packs } of calls)
        for (const pack of packs) {
          // Only the packed operand is read, so other buffers need no address.
          const args = instr.buffers.map((use) =>
            use.source === 'slot' && use.index === pack.slot ? slot(pack.slot) : i32.const(0),
          );
          const call = (): void => f.call(pack.index, args);
          const bit = constants.get(pack.slot) ?? null;
          if (bit === null) call();
          else f.if(i32.op('and', changed, i32.const(bit)), call);
        }
    },
    step(f, slot, changed) {
      for (const { instr, main } of calls) {
        const args = instr.buffers.map((use) => place(use, slot));
        f.call(main, instr.kind === 'scan' ? [...args, changed] : args);
      }
    },
  };
}

const isUsed = (program: Program, slot: number): boolean =>
  program.code.some((i) => i.buffers.some((u) => u.source === 'slot' && u.index === slot));

interface Functions {
  readonly main: number;
  /** Functions that pack an operand that stays the same. */
  readonly packs: readonly { readonly index: number; readonly slot: number }[];
  /** Constant slots that a loop inside packs by itself. */
  readonly inner: readonly number[];
}

function prepareInstr(
  module: ModuleBuilder,
  instr: Instr,
  name: string,
  constants: Constants,
): Functions {
  const params = instr.buffers.map((u) => `${u.source}${u.index}`);
  const { target } = module;
  const simple = (main: number): Functions => ({ main, packs: [], inner: [] });
  switch (instr.kind) {
    case 'loop':
      return simple(module.define(name, params, (f, p) => emitLoop(f, instr, p, target)));
    case 'gather':
      return simple(module.define(name, params, (f, p) => emitGather(f, instr, p, target)));
    case 'scatter':
      return simple(module.define(name, params, (f, p) => emitScatter(f, instr, p, target)));
    case 'contract':
      if (!suits(instr)) {
        const loop = contractAsLoop(instr);
        return simple(module.define(name, params, (f, p) => emitLoop(f, loop, p, target)));
      }
      return prepareContract(module, instr, name, params, constants);
    case 'scan':
      return defineScan(module, instr, name, params, constants);
  }
}

function prepareContract(
  module: ModuleBuilder,
  instr: Contract,
  name: string,
  params: readonly string[],
  constants: Constants,
): Functions {
  const plan = planContract(instr, module.target);
  const area = (bytes: number, what: string): Address | undefined =>
    bytes > 0 ? module.static_(bytes, `${name} ${what}`) : undefined;
  const packed = { a: area(plan.packA, 'packed a'), b: area(plan.packB, 'packed b') };
  const scratch = area(plan.scratch, 'scratch');
  const slotOf = (side: Side): number => instr.args[side === 'a' ? 0 : 1].slot;
  const sides = (['a', 'b'] as const).filter((side) => packed[side] !== undefined);
  const early = sides.filter((side) => constants.has(slotOf(side)));
  const emit = (f: FunctionBuilder, p: readonly Local<'i32'>[], side: Side): void =>
    emitPack(f, plan, side, p, packed[side] as Address);
  const main = module.define(name, params, (f, p) => {
    for (const side of sides) if (!early.includes(side)) emit(f, p, side);
    emitProduct(f, plan, p, {
      ...(packed.a ? { a: packed.a } : {}),
      ...(packed.b ? { b: packed.b } : {}),
      ...(scratch ? { scratch } : {}),
    });
  });
  const packs = early.map((side) => ({
    index: module.define(`${name}_pack_${side}`, params, (f, p) => emit(f, p, side)),
    slot: slotOf(side),
  }));
  return { main, packs, inner: [] };
}

type Side = 'a' | 'b';

/**
 * The time loop inside one call: constant weights are packed before the first step, carries swap two places, xs and ys
 * move by their stride.
 */
function defineScan(
  module: ModuleBuilder,
  scan: Scan,
  name: string,
  params: readonly string[],
  outside: Constants,
): Functions {
  const { body } = scan;
  const nc = scan.consts.length;
  const nk = scan.init.length;
  const constants: Constants = new Map(
    scan.consts.map((o, k) => [body.inputs[k] as number, outside.get(o.slot) ?? null]),
  );
  const prepared = prepareProgram(module, body, `${name}_`, constants);
  const bytesOf = (slot: number): number => (body.slots[slot]?.size ?? 0) * 4;
  const carrySlots = body.outputs.slice(0, nk);
  const places = carrySlots.map((s) => ({
    even: module.static_(bytesOf(s), `${name} carry`),
    odd: module.static_(bytesOf(s), `${name} carry`),
  }));
  const main = module.define(name, [...params, 'changed'], (f, p) => {
    const changed = f.get(p.at(-1) as Local<'i32'>);
    const start = (o: { buffer: number; offset: number }): Address =>
      i32.add(f.get(p[o.buffer] as Local<'i32'>), 4 * o.offset);
    const consts = scan.consts.map((o, k) => f.let(`const${k}`, start(o)));
    const carry = scan.init.map((o, k) => f.let(`carry${k}`, start(o)));
    const next = places.map(({ even }, k) => f.let(`next${k}`, even));
    const moving = (kind: string) => (o: Scan['xs'][number], k: number) => {
      const bytes = 4 * (o.strides[0] as number);
      const first = i32.add(start(o), scan.reverse ? bytes * (scan.length - 1) : 0);
      return { at: f.let(`${kind}${k}`, first), by: scan.reverse ? -bytes : bytes };
    };
    const xs = scan.xs.map(moving('x'));
    const ys = scan.ys.map(moving('y'));
    const locals = new Map<number, Local<'i32'>>();
    body.inputs.forEach((slot, k) => {
      const local = k < nc ? consts[k] : k < nc + nk ? carry[k - nc] : xs[k - nc - nk]?.at;
      locals.set(slot, local as Local<'i32'>);
    });
    body.outputs.forEach((slot, k) => {
      locals.set(slot, (k < nk ? next[k] : ys[k - nk]?.at) as Local<'i32'>);
    });
    const address = (slot: number): Address => f.get(locals.get(slot) as Local<'i32'>);
    prepared.once(f, address, changed);
    f.times(scan.length, () => {
      prepared.step(f, address, i32.const(-1));
      places.forEach(({ even, odd }, k) => {
        const [from, to] = [carry[k], next[k]] as [Local<'i32'>, Local<'i32'>];
        f.set(from, f.get(to));
        const both = (even.imm[0] as number) + (odd.imm[0] as number);
        f.set(to, i32.op('sub', i32.const(both), f.get(to)));
      });
      for (const { at, by } of [...xs, ...ys]) f.advance(at, by);
    });
    scan.finals.forEach((o, k) => {
      const from = f.get(carry[k] as Local<'i32'>);
      f.do('memory.copy', [start(o), from, i32.const(bytesOf(carrySlots[k] as number))]);
    });
  });
  const inner = scan.consts.flatMap((o, k) =>
    prepared.packs.has(body.inputs[k] as number) && outside.has(o.slot) ? [o.slot] : [],
  );
  return { main, packs: [], inner };
}
