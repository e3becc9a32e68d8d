/**
 * Instructions of a program that share the packing of an operand: products, and that operand's own sum, that read the
 * same window of it and may run at the same time. Knows windows and places; leaves the code to contract/.
 */
import {
  type Contract,
  type Instr,
  type Loop,
  type Operand,
  type Program,
  sizeOf,
} from '@ostinato/core/backend';
import { targetOf } from '../affine.ts';
import type { Callee, Local } from '../assembler/function.ts';
import { i32 } from '../assembler/instructions.ts';
import {
  type Companion,
  emitJoint,
  isNear,
  planJoint,
  planSum,
  type Unit,
} from '../contract/joint.ts';
import { type ContractPlan, matrixOfVectors, planContract, suits } from '../contract/plan.ts';
import { independent, readsNothingOf } from '../hazards.ts';
import type { ModuleBuilder } from '../module-builder.ts';
import { type Extras, need } from '../need.ts';
import type { Surroundings, Together } from '../program.ts';
import { MAXIMUM_BUFFERS, type Target } from '../target.ts';
import { addressIn, apart, isWhole, keep } from './apart.ts';

/** What it computes. */
export interface Shared {
  readonly companions: readonly Companion[];
  /** The sum of the common operand over the depth. */
  readonly sum: Loop | undefined;
}

export interface Joint extends Shared {
  /** Members whose results are kept elsewhere until it is their turn: something before it needs their place. */
  readonly kept: readonly Member[];
}

export type Member = Contract | Loop;

/** Products first. */
export const membersOf = ({ companions, sum }: Shared): readonly Member[] => [
  ...companions.map((c) => c.contract),
  ...(sum ? [sum] : []),
];

/** The largest of its members: threads share a joint where they would share that one. */
export const leadOf = ({ companions, sum }: Joint): Member =>
  companions
    .map((c): Member => c.contract)
    .reduce(
      (most, c) => (sizeOf(c.shape) > sizeOf(most.shape) ? c : most),
      (companions[0]?.contract ?? sum) as Member,
    );

/** The same of other members. */
export const mapMembers = (
  { companions, sum }: Shared,
  map: <I extends Member>(member: I) => I,
): Shared => ({
  companions: companions.map((c) => ({ ...c, contract: map(c.contract) })),
  sum: sum && map(sum),
});

export function callsOfJoint(
  module: ModuleBuilder,
  joint: Joint,
  name: string,
  { constants, partsOf, place }: Surroundings,
): Together | undefined {
  const parted = partsOf(leadOf(joint)) !== undefined;
  const made = prepareJoint(module, [mapMembers(joint, apart)], { name, constants, parted });
  if (!made) return undefined;
  const members = membersOf(joint);
  const kept = new Map(
    joint.kept.map((m) => [m, keep(module, m, `${name}_${members.indexOf(m)}`, place)]),
  );
  const args = members.flatMap((m) => [
    ...m.args.map((o) => addressIn(m, o, 0, place)),
    kept.get(m)?.at ?? addressIn(m, m.outs[0] as Operand, 0, place),
  ]);
  return {
    members,
    calls: [{ function: made.main, args, ...(parted && { parts: made.parts }) }],
    later: new Map([...kept].map(([m, { bring }]) => [m, [bring]])),
  };
}

/** No instruction is in two of them. */
export function findJoints({ code, slots }: Program): readonly Joint[] {
  const readers = new Map<string, Member[]>();
  const windows = new Map(code.filter(isMember).map((i) => [i, windowsOf(i)]));
  for (const [member, own] of windows)
    for (const window of new Set(own))
      readers.set(window, [...(readers.get(window) ?? []), member]);
  const taken = new Set<Instr>();
  const joints: Joint[] = [];
  for (const [window, all] of readers) {
    const free = all.filter((i) => !taken.has(i));
    if (free.length < 2) continue;
    const start = code.indexOf(free[0] as Instr);
    const before = (instr: Instr): readonly Instr[] => code.slice(start, code.indexOf(instr));
    const inPlace = (instr: Instr): boolean =>
      before(instr).every((i) => independent(slots, i, instr));
    const members = free.filter(
      (instr) =>
        before(instr).every((i) => readsNothingOf(slots, instr, i)) &&
        (inPlace(instr) || isWhole(instr)),
    );
    const companions = members.flatMap((i): Companion[] =>
      i.kind === 'contract'
        ? [{ contract: i, common: windows.get(i)?.indexOf(window) as 0 | 1 }]
        : [],
    );
    const sum = members.find((i) => i.kind === 'loop');
    if (companions.length === 0 || companions.length + (sum ? 1 : 0) < 2) continue;
    const chosen = [...companions.map((c) => c.contract), ...(sum ? [sum] : [])];
    joints.push({ companions, sum, kept: chosen.filter((i) => !inPlace(i)) });
    for (const i of chosen) taken.add(i);
  }
  return joints;
}

/**
 * Products that are in none of these, once for each of their operands, and such sums: they too may run beside what made
 * what they read.
 */
export function single({ code }: Program, joints: readonly Joint[]): readonly Joint[] {
  const joined = joints.flatMap(membersOf);
  return code
    .filter((i) => !joined.includes(i as Member))
    .flatMap((i): readonly Joint[] => {
      if (isSum(i)) return [{ companions: [], sum: i, kept: [] }];
      if (!isProduct(i)) return [];
      return ([0, 1] as const).map((common) => ({
        companions: [{ contract: i, common }],
        sum: undefined,
        kept: [],
      }));
    });
}

/** What a product reads, or a sum: equal texts for equal windows along columns and depth. */
const windowsOf = (member: Member): readonly string[] =>
  member.args.map((o) => JSON.stringify([o.slot, o.dtype, o.offset, layoutOf(member, o)]));

/** Of an operand along a member's columns and depth. */
export function layoutOf({ shape, over }: Member, { strides }: Operand) {
  const columns = shape.flatMap((n, k) => (strides[k] === 0 ? [] : [[n, strides[k]] as const]));
  return { columns, over, strides: strides.slice(shape.length) };
}

const isMember = (i: Instr): i is Member => isSum(i) || isProduct(i);

const isProduct = (i: Instr): i is Contract =>
  i.kind === 'contract' && suits(i) && matrixOfVectors(i) === undefined;

/** The plain sum of dense columns. */
function isSum(instr: Instr): instr is Loop {
  if (instr.kind !== 'loop' || instr.combine !== 'sum' || instr.over.length === 0) return false;
  const { args, outs, body, shape } = instr;
  const [out] = outs;
  const plain = args.length === 1 && body.length === 1 && body[0]?.op === 'arg';
  return plain && shape.length === 1 && out?.strides[0] === 1 && out.dtype === 'float32';
}

interface Wanted {
  readonly name: string;
  /** Slots that stay the same from run to run. */
  readonly constants: ReadonlySet<number>;
  /** Threads share the panels. */
  readonly parted: boolean;
  /**
   * The function takes one more word after the buffers: 0, or -1 to add to what the outs hold. Those of products are laid out in
   * panels then, if all rows are near.
   */
  readonly adds?: boolean;
  /** The same of another depth, whose outs these are too. */
  readonly like?: Joined | undefined;
  /** So many of the first columns are the same for the second joint: what it has there is not read. */
  readonly twins?: number;
}

/**
 * One joint, or two whose common operands are laid out alike. Undefined where no product by itself would pack them, or where
 * they cannot share that.
 */
export function prepareJoint(
  module: ModuleBuilder,
  joints: readonly Shared[],
  { name, constants, parted, adds = false, like, twins = 0 }: Wanted,
): Joined | undefined {
  const { machine } = module;
  const uses = joints.map((joint) => membersOf(joint).map((i) => i.buffers));
  if (uses.flat(2).length > MAXIMUM_BUFFERS) return undefined;
  const extras = need(machine.extras);
  const companions = joints.flatMap((joint) => joint.companions);
  const target = targetOf(
    machine,
    companions.map((c) => c.contract),
  );
  const panels = joints.map((joint) =>
    Math.max(...joint.companions.map((c) => panelOf(c, target, { constants, extras }))),
  );
  const panel = like?.panel ?? Math.max(...panels);
  const products = panels.every((n) => n > 0)
    ? planJoint(companions, target, { panel, extras })
    : undefined;
  const [first] = products ?? [];
  if (!products || !first) return undefined;
  const whole = Math.floor(twins / first.tile.columns);
  const near = products.every(isNear);
  if (joints.length > 1 && (whole === 0 || !near)) return undefined;
  const inPanels = adds && near;
  if (like && like.inPanels !== inPanels) return undefined;
  const plans = joints.map(({ companions: own, sum }) => [
    ...own.map((c) => products[companions.indexOf(c)] as ContractPlan),
    ...(sum ? [planSum(first, sum)] : []),
  ]);
  const bytes = plans.flat().reduce((n, plan) => n + plan.scratch, 0);
  const scratch = module.reservePerThread(bytes, `${name} scratch`);
  const params = uses.flat().flatMap((list, m) => list.map((u) => `${m}_${u.source}${u.index}`));
  const main = module.define(
    name,
    [...params, ...(adds ? ['adds'] : []), ...(parted ? ['first', 'count', 'thread'] : [])],
    target.paired,
    (f, p) => {
      let used = 0;
      const units = uses.map(
        (lists, k): Unit => ({
          plans: plans[k] as readonly ContractPlan[],
          buffers: lists.map(({ length }) => {
            used += length;
            return p.slice(used - length, used);
          }),
          withSum: joints[k]?.sum !== undefined,
        }),
      );
      const more = adds ? p[used++] : undefined;
      const [from, count, thread] = p.slice(used) as [Local<'i32'>, Local<'i32'>, Local<'i32'>];
      const own = { scratch: scratch(parted ? f.get(thread) : i32.const(0)), extras };
      const range = parted ? { first: from, count } : undefined;
      emitJoint(f, units, own, { twins: whole, inPanels, range, more });
    },
  );
  return {
    main,
    parts: first.range.size,
    panel: first.tile.columns,
    plans: plans.flat(),
    inPanels,
    twins: whole * first.tile.columns,
  };
}

export interface Joined {
  readonly main: Callee;
  readonly parts: number;
  /** Columns of a panel. */
  readonly panel: number;
  /** Of all members, in order; and whether the outs of products are laid out in panels instead. */
  readonly plans: readonly ContractPlan[];
  readonly inPanels: boolean;
  /** Columns of the second joint that are not read. */
  readonly twins: number;
}

/** The width of the panels in which a product by itself would pack the common operand, block by block; 0: it would not. */
function panelOf(
  { contract, common }: Companion,
  target: Target,
  { constants, extras }: { readonly constants: Wanted['constants']; readonly extras: Extras },
): number {
  const [a, b] = contract.args.map((o) => constants.has(o.slot)) as [boolean, boolean];
  const plan = planContract(contract, target, { constant: { a, b }, extras });
  return plan.source === 'blocks' && plan.swapped === (common === 0) ? plan.tile.columns : 0;
}
