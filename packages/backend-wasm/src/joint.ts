/**
 * Instructions of a program that share the packing of an operand: products, and that operand's own sum, that read the
 * same window of it and may run at the same time. Knows windows and places; leaves the code to contract/.
 */
import {
  argsOfInstr,
  type BufferUse,
  type Contract,
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Program,
  type Slot,
  sizeOf,
} from '@ostinato/core/backend';
import type { Local } from './assembler/function.ts';
import { f32, i32 } from './assembler/instructions.ts';
import { type Companion, emitJoint, planJoint, planSum } from './contract/joint.ts';
import { matrixOfVectors, planContract, suits } from './contract/plan.ts';
import type { Prepared } from './instruction.ts';
import type { ModuleBuilder } from './module-builder.ts';
import { type Extras, need } from './need.ts';
import { overlap } from './sink.ts';
import type { Target } from './target.ts';

interface Joint {
  readonly companions: readonly Companion[];
  /** The sum of the common operand over the depth. */
  readonly sum: Loop | undefined;
}

/** Runs in the place of the first of its members, which have these buffers. */
export interface PreparedJoint extends Prepared {
  readonly buffers: readonly BufferUse[];
  /** The largest of its members: threads share the joint where they would share that one. */
  readonly lead: Instr;
}

/** By the first of its members; null for the others. `constants`: slots that stay the same from run to run. */
export function prepareJoints(
  module: ModuleBuilder,
  program: Program,
  constants: ReadonlyMap<number, unknown>,
): ReadonlyMap<Instr, PreparedJoint | null> {
  const prepared = new Map<Instr, PreparedJoint | null>();
  for (const [k, joint] of findJoints(program).entries()) {
    const members = [...joint.companions.map((c) => c.contract), ...(joint.sum ? [joint.sum] : [])];
    const first = program.code.find((i) => members.includes(i as Contract)) as Instr;
    const made = prepareJoint(module, joint, { name: `joint_${k}`, members, constants });
    if (made) for (const member of members) prepared.set(member, member === first ? made : null);
  }
  return prepared;
}

/** No instruction is in two of them. */
export function findJoints({ code, slots }: Program): readonly Joint[] {
  const readers = new Map<string, Instr[]>();
  for (const instr of code)
    for (const window of new Set(windowsOf(instr)))
      readers.set(window, [...(readers.get(window) ?? []), instr]);
  const taken = new Set<Instr>();
  const joints: Joint[] = [];
  for (const [window, all] of readers) {
    const free = all.filter((i) => !taken.has(i));
    const start = code.indexOf(free[0] as Instr);
    const members = free.filter((instr) =>
      code.slice(start, code.indexOf(instr)).every((i) => independent(slots, i, instr)),
    );
    const companions = members.flatMap((i): Companion[] =>
      i.kind === 'contract' ? [{ contract: i, common: windowsOf(i).indexOf(window) as 0 | 1 }] : [],
    );
    const sum = members.find((i) => i.kind === 'loop');
    if (companions.length === 0 || companions.length + (sum ? 1 : 0) < 2) continue;
    joints.push({ companions, sum });
    for (const { contract } of companions) taken.add(contract);
    if (sum) taken.add(sum);
  }
  return joints;
}

/** What a product reads, or a sum: equal texts for equal windows along columns and depth. */
function windowsOf(instr: Instr): readonly string[] {
  if (!isSum(instr) && !isProduct(instr)) return [];
  const { shape, over } = instr;
  return instr.args.map(({ slot, dtype, offset, strides }) => {
    const columns = shape.flatMap((n, k) => (strides[k] === 0 ? [] : [n, strides[k]]));
    return JSON.stringify([slot, dtype, offset, columns, over, strides.slice(shape.length)]);
  });
}

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

/** Whether the later one may run beside the earlier one, and before it. */
function independent(slots: readonly Slot[], earlier: Instr, later: Instr): boolean {
  const meet = (a: readonly Operand[], b: readonly Operand[]): boolean =>
    a.some((p) => b.some((q) => overlap(slots, p.slot, q.slot)));
  const outs = outsOfInstr(later);
  return !(
    meet(outsOfInstr(earlier), [...argsOfInstr(later), ...outs]) || meet(argsOfInstr(earlier), outs)
  );
}

interface Wanted {
  readonly name: string;
  readonly members: readonly Instr[];
  readonly constants: ReadonlyMap<number, unknown>;
}

/** Undefined where no product by itself would pack the common operand, or where they cannot share that. */
function prepareJoint(
  module: ModuleBuilder,
  { companions, sum }: Joint,
  { name, members, constants }: Wanted,
): PreparedJoint | undefined {
  const { machine } = module;
  const extras = need(machine.extras);
  const paired = companions.every((c) => machine.pairs?.(c.contract) ?? false);
  const target = { ...machine.target, paired };
  const panel = Math.max(...companions.map((c) => panelOf(c, target, { constants, extras })));
  const products = panel > 0 ? planJoint(companions, target, { panel, extras }) : undefined;
  const [first] = products ?? [];
  if (!products || !first) return undefined;
  const lead = companions
    .map((c) => c.contract)
    .reduce((most, c) => (sizeOf(c.shape) > sizeOf(most.shape) ? c : most));
  const parted = machine.threads.partsOf(lead) !== undefined;
  const plans = sum ? [...products, planSum(first, sum)] : products;
  const bytes = plans.reduce((n, plan) => n + plan.scratch, 0);
  const scratch = module.reservePerThread(bytes, `${name} scratch`);
  const one = sum && module.reserve(4, `${name} one`);
  const uses = members.map((i) => i.buffers);
  const params = uses.flatMap((list, m) => list.map((u) => `${m}_${u.source}${u.index}`));
  const main = module.define(
    name,
    parted ? [...params, 'first', 'count', 'thread'] : params,
    paired,
    (f, p) => {
      let used = 0;
      const buffers = uses.map(({ length }) => {
        used += length;
        return p.slice(used - length, used);
      });
      if (one) {
        f.store('f32.store', one, f32.const(1));
        buffers.at(-1)?.push(f.let('one', one));
      }
      const [from, count, thread] = p.slice(used) as [Local<'i32'>, Local<'i32'>, Local<'i32'>];
      const own = { scratch: scratch(parted ? f.get(thread) : i32.const(0)), extras };
      emitJoint(f, plans, buffers, own, parted ? { first: from, count } : undefined);
    },
  );
  return { main, packs: [], inner: [], buffers: uses.flat(), lead, parts: first.range.size };
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
