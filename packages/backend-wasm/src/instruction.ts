/**
 * One instruction as functions: what it does, and the packing of operands that stay the same. The body of a scan is
 * instructions again, called from its time loop.
 */
import {
  type BufferUse,
  type Contract,
  contractAsLoop,
  type Instr,
  type Loop,
  type Operand,
  type Scan,
} from '@ostinato/core/backend';
import type { Affine } from './affine.ts';
import type { Callee, FunctionBuilder, Local } from './assembler/function.ts';
import { i32, type Value } from './assembler/instructions.ts';
import {
  type ContractPlan,
  emitPack,
  emitProduct,
  matrixOfVectors,
  type Packed,
  planContract,
  suits,
} from './contract/index.ts';
import { emitLoop, leavesRest, type Part, planAxes } from './loop/index.ts';
import type { ModuleBuilder } from './module-builder.ts';
import { need } from './need.ts';

type Address = Value<'i32'>;
type Side = 'a' | 'b';

export interface Setting {
  /** Slots that are the same in every step or run. */
  readonly constants: ReadonlySet<number>;
  /**
   * Parts of the work run at once: functions take `first`, `count` and `thread` after their buffers. `axis` is the
   * instruction's axis that parts; null where it chooses, undefined where every thread computes the whole for itself.
   */
  readonly range?: PartOf | undefined;
  /** The axis of a batch's rows, which threads would share. */
  readonly rows?: number | undefined;
  /** The time loop that the instruction is in. */
  readonly scan?: Scan;
  /** Threads run this at different steps at one time. */
  readonly apart?: boolean;
  /** Of a scan: its function takes after its buffers, which begin at the first step that runs, how many steps that are. */
  readonly counted?: boolean;
}

interface PartOf {
  readonly axis: number | null | undefined;
  /** See `Range` of contract/. */
  readonly shares?: readonly number[];
}

export interface Prepared {
  readonly main: Callee;
  /** To be called before `main`. */
  readonly packs: readonly Pack[];
  /** How many parts there are, if not as many as the range's axis has indices. */
  readonly parts?: number;
}

/** Packs an operand, of the instruction or of one inside it; a constant slot only when it has changed. */
export interface Pack {
  /** Takes an address. */
  readonly function: Callee;
  /** The address: of this buffer, `plus` some bytes. */
  readonly buffer: BufferUse;
  readonly plus: number;
  readonly slot: number;
}

const rangeNames = ['first', 'count', 'thread'];

export function prepareInstr(
  module: ModuleBuilder,
  instr: Instr,
  name: string,
  setting: Setting,
): Prepared {
  const names = instr.buffers.map((u) => `${u.source}${u.index}`);
  const { range } = setting;
  const params = range ? [...names, ...rangeNames] : names;
  if (instr.kind === 'scan') return prepareScan(module, instr, name, names, setting);
  if ('biases' in instr)
    return need(module.machine.extras).prepareAffine(
      module,
      instr as Affine,
      name,
      params,
      setting,
    );
  if (instr.kind === 'contract' && isProduct(instr, setting.constants))
    return prepareContract(module, instr, name, params, setting);
  const main =
    instr.kind === 'contract' || instr.kind === 'loop'
      ? defineLoop(
          module,
          instr.kind === 'loop' ? instr : contractAsLoop(instr),
          name,
          params,
          setting,
        )
      : module.define(name, params, false, (f, p) => {
          const { emitGather, emitScatter } = need(module.machine.extras);
          const parts = range?.axis === null ? partsAt(p) : undefined;
          if (instr.kind === 'gather') emitGather(f, instr, p, parts);
          else emitScatter(f, instr, p, parts);
        });
  return { main, packs: [] };
}

/** Whether packing pays, or nothing has to be packed. */
function isProduct(instr: Contract, constants: ReadonlySet<number>): boolean {
  const matrix = matrixOfVectors(instr);
  return suits(instr) && (matrix === undefined || constants.has(matrix.slot));
}

/** A loop whose vectors pair is two functions: pairs of vectors, and what they leave over. */
function defineLoop(
  module: ModuleBuilder,
  loop: Loop,
  name: string,
  params: readonly string[],
  setting: Setting,
): Callee {
  const { target, pairs, extras } = module.machine;
  const plan = planAxes(loop, setting.range?.axis ?? undefined, setting.rows);
  const emit =
    (part: Part) =>
    (f: FunctionBuilder, p: readonly Local<'i32'>[]): void =>
      emitLoop(f, loop, p, target, { range: rangeOf(setting, p), plan, part, extras });
  if (!pairs?.(loop, plan)) return module.define(name, params, false, emit('whole'));
  if (!leavesRest(plan)) return module.define(name, params, true, emit('pairs'));
  const inPairs = module.define(`${name}_pairs`, params, true, emit('pairs'));
  return module.define(name, params, false, (f, p) => {
    f.call(
      inPairs,
      p.map((l) => f.get(l)),
    );
    emit('rest')(f, p);
  });
}

/** The part that a function runs, from its last parameters. */
function partsAt(p: readonly Local<'i32'>[]): { first: Local<'i32'>; count: Local<'i32'> } {
  const [first, count] = p.slice(-3) as [Local<'i32'>, Local<'i32'>, Local<'i32'>];
  return { first, count };
}

/** The same, of an axis. */
export const rangeOf = ({ range }: Setting, p: readonly Local<'i32'>[]) =>
  typeof range?.axis === 'number'
    ? { axis: range.axis, ...partsAt(p), shares: range.shares }
    : undefined;

function prepareContract(
  module: ModuleBuilder,
  instr: Contract,
  name: string,
  params: readonly string[],
  setting: Setting,
): Prepared {
  const { constants, range } = setting;
  const [a, b] = instr.args.map((o) => constants.has(o.slot)) as [boolean, boolean];
  const { pairs, target: plain, extras } = module.machine;
  const target = { ...plain, paired: pairs?.(instr) ?? false };
  const options = { constant: { a, b }, extras };
  const free = planContract(instr, target, options);
  const byPanels = range && !setting.apart && free.range.at === 'panels';
  const plan =
    range && !byPanels ? need(extras).planRanged(instr, free, range.axis, options) : free;
  const { packs, packed } = packOperands(module, instr, plan, name, setting);
  const main = module.define(name, params, target.paired, (f, p) => {
    emitProduct(f, plan, p, packed(f, p), rangeOf(setting, p));
  });
  return { main, packs, ...(byPanels && { parts: plan.range.size }) };
}

export interface Packing extends Pick<Prepared, 'packs'> {
  /** Where a function with these parameters finds what is packed. */
  packed(f: FunctionBuilder, p: readonly Local<'i32'>[]): Packed;
}

/** Memory for what a plan packs, and the functions that pack it. */
export function packOperands(
  module: ModuleBuilder,
  instr: Contract,
  plan: ContractPlan,
  name: string,
  { range }: Setting,
): Packing {
  const { extras } = module.machine;
  const area = (bytes: number, side: Side): Address | undefined =>
    bytes > 0 ? module.reserve(bytes, `${name} packed ${side}`) : undefined;
  const areas = { a: area(plan.packA, 'a'), b: area(plan.packB, 'b') };
  const scratch =
    plan.scratch > 0 ? module.reservePerThread(plan.scratch, `${name} scratch`) : undefined;
  return {
    packs: (['a', 'b'] as const).flatMap((side): readonly Pack[] => {
      const to = areas[side];
      if (!to) return [];
      const { slot, buffer } = instr.args[side === 'a' ? 0 : 1];
      const { target } = plan;
      const pack = module.define(`${name}_pack_${side}`, ['from'], target.paired, (f, [from]) =>
        emitPack(f, plan, f.get(from as Local<'i32'>), { to, extras }),
      );
      return [{ function: pack, buffer: instr.buffers[buffer] as BufferUse, plus: 0, slot }];
    }),
    packed: (f, p) => ({
      ...areas,
      scratch: scratch?.(range ? f.get(p.at(-1) as Local<'i32'>) : i32.const(0)),
      extras,
    }),
  };
}

/**
 * The time loop inside one call: weights are packed before, carries swap two places, xs and ys move by their stride. With a
 * range, every thread runs all steps of its rows.
 */
function prepareScan(
  module: ModuleBuilder,
  scan: Scan,
  name: string,
  names: readonly string[],
  setting: Setting,
): Prepared {
  const { body } = scan;
  const nk = scan.init.length;
  const { range: parts } = setting;
  const parted = parts !== undefined;
  const steps = prepareBody(module, scan, name, parts);
  const bytesOf = (slot: number): number => (body.slots[slot]?.size ?? 0) * 4;
  const carrySlots = body.outputs.slice(0, nk);
  const places = carrySlots.map((s) => ({
    even: module.reserve(bytesOf(s), `${name} carry`),
    odd: module.reserve(bytesOf(s), `${name} carry`),
  }));
  const { counted } = setting;
  const params = [...names, ...(counted ? ['steps'] : []), ...(parted ? rangeNames : [])];
  const main = module.define(name, params, false, (f, p) => {
    const all = p.map((l) => f.get(l));
    const range = all.slice(parted ? -3 : all.length);
    const length = counted ? (all[names.length] as Address) : scan.length;
    const start = (o: { buffer: number; offset: number }): Address =>
      i32.add(f.get(p[o.buffer] as Local<'i32'>), 4 * o.offset);
    const consts = scan.consts.map((o, k) => f.let(`const${k}`, start(o)));
    const carry = scan.init.map((o, k) => f.let(`carry${k}`, start(o)));
    const next = places.map(({ even }, k) => f.let(`next${k}`, even));
    const moving = (kind: string) => (o: Scan['xs'][number], k: number) => {
      const bytes = 4 * (o.strides[0] as number);
      const first = i32.add(start(o), scan.reverse && !counted ? bytes * (scan.length - 1) : 0);
      return { at: f.let(`${kind}${k}`, first), by: scan.reverse ? -bytes : bytes };
    };
    const xs = scan.xs.map(moving('x'));
    const ys = scan.ys.map(moving('y'));
    const slots = [...body.inputs, ...body.outputs];
    const locals = [consts, carry, xs.map(({ at }) => at), next, ys.map(({ at }) => at)].flat();
    const address = (slot: number): Address =>
      f.get(locals[slots.lastIndexOf(slot)] as Local<'i32'>);
    f.times(length, () => {
      steps.step(f, address, range);
      places.forEach(({ even, odd }, k) => {
        const from = carry[k] as Local<'i32'>;
        const to = next[k] as Local<'i32'>;
        f.set(from, f.get(to));
        const both = (even.imm[0] as number) + (odd.imm[0] as number);
        f.set(to, i32.op('sub', i32.const(both), f.get(to)));
      });
      for (const { at, by } of [...xs, ...ys]) f.advance(at, by);
    });
    scan.finals.forEach((o, k) => {
      const bytes = bytesOf(carrySlots[k] as number);
      const row = bytes / (scan.rows?.count ?? 1);
      const [first, count] = range as [Address, Address];
      const skip = parted ? i32.mul(first, row) : 0;
      const from = i32.add(f.get(carry[k] as Local<'i32'>), skip);
      const size = parted ? i32.mul(count, row) : i32.const(bytes);
      f.do('memory.copy', [i32.add(start(o), skip), from, size]);
    });
  });
  const packs = steps.packs.map(({ function: pack, plus, slot: inside }): Pack => {
    const { slot, buffer, offset } = scan.consts[body.inputs.indexOf(inside)] as Operand;
    const from = scan.buffers[buffer] as BufferUse;
    return { function: pack, buffer: from, plus: plus + 4 * offset, slot };
  });
  return { main, packs };
}

interface Steps {
  /** Of what is the same in all steps. */
  readonly packs: readonly Pack[];
  step(f: FunctionBuilder, slot: (slot: number) => Address, range: readonly Address[]): void;
}

function prepareBody(
  module: ModuleBuilder,
  scan: Scan,
  prefix: string,
  parts: Setting['range'],
): Steps {
  const { body } = scan;
  const constants = new Set(body.inputs.slice(0, scan.consts.length));
  // Threads are at different steps at one time, so each has scratch of its own.
  const homeOf = module.homesIn(body, (bytes, label) =>
    module.reservePerThread(bytes, `${prefix} ${label}`),
  );
  const calls = body.code.map((instr, k) => ({
    instr,
    ...prepareInstr(module, instr, `${prefix}_${instr.kind}_${k}`, {
      constants,
      scan,
      rows: scan.rows?.axis[k] ?? undefined,
      ...(parts && { range: { ...parts, axis: scan.rows?.axis[k] ?? undefined }, apart: true }),
    }),
  }));
  return {
    packs: calls.flatMap(({ packs }) => packs.filter((pack) => constants.has(pack.slot))),
    step(f, slot, range) {
      const thread = range[2] ?? i32.const(0);
      const place = (use: BufferUse): Address => homeOf(use)?.(thread) ?? slot(use.index);
      for (const { instr, main, packs } of calls) {
        for (const { function: pack, buffer, plus, slot } of packs)
          if (!constants.has(slot)) f.call(pack, [i32.add(place(buffer), plus)]);
        f.call(main, [...instr.buffers.map(place), ...range]);
      }
    },
  };
}
