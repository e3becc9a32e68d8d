/**
 * What makes a time loop's inputs, the loop, and the products that sum what it wrote, in turn, some steps at a time: gradients
 * of weights read gate gradients that are still in the cache, and a stack that nobody else reads is as long as a strip.
 * Instructions of a strip are ordinary ones whose addresses move from call to call. Knows windows and places; emits nothing
 * by itself.
 */
import {
  argsOfInstr,
  extent,
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Program,
  type Scan,
  sizeOf,
} from '@ostinato/core/backend';
import type { Callee } from '../assembler/function.ts';
import { divisorNear } from '../contract/depth.ts';
import { blockBytes } from '../contract/plan.ts';
import { overlap, readsNothingOf } from '../hazards.ts';
import { type Pack, prepareInstr } from '../instruction.ts';
import type { ModuleBuilder } from '../module-builder.ts';
import type { Argument, Call, Surroundings, Together } from '../program.ts';
import { MAXIMUM_BUFFERS } from '../target.ts';
import { addressIn, addressOf, apart, fixed, isWhole, keep, separate } from './apart.ts';
import {
  type Joined,
  type Joint,
  leadOf,
  type Member,
  mapMembers,
  membersOf,
  prepareJoint,
  type Shared,
  single,
} from './joint.ts';
import { callOfMaker, type Maker, makersBefore, type Stretch } from './makers.ts';
import { findTwins, withoutColumns } from './twins.ts';

export interface Strips {
  readonly scan: Scan;
  readonly makers: readonly Maker[];
  readonly readers: readonly Reader[];
  /** Time steps of the longest strip; where they do not divide the scan's, others have one less. */
  readonly steps: number;
}

interface Reader {
  readonly joint: Joint;
  /** The scan's ys that is the joint's common operand, and which axis of the depth is time. */
  readonly stack: Operand;
  readonly time: number;
  /** Nobody else reads that stack. */
  readonly alone: boolean;
}

/** When it pays. */
export interface StripLimits {
  /** Bytes of stacks from which on they leave the second cache. */
  readonly stacks: number;
  /** Bytes of them that stay there: the longest strip. */
  readonly strip: number;
  /** The depth of a strip's products, if so many steps with all rows stay there. */
  readonly depth: number;
  /** Bytes of what such a product reads beside the stack, at most, unless one step has more. */
  readonly rows: number;
  /** Bytes of sums that shorter strips read and write more often, at most, for each byte of stacks that stays near. */
  readonly sums: number;
}

/** With 256 units, strips gain at 3 and 4 bytes of sums for each of stacks; larger layers have 12 and more. */
const usual: StripLimits = {
  stacks: 1 << 20,
  strip: 3 << 18,
  depth: 256,
  rows: blockBytes,
  sums: 4.5,
};

/** No instruction is in two of them. What reads a loop's stacks is one of the joints, or in none of them. */
export function findStrips(
  program: Program,
  joints: readonly Joint[],
  limits = usual,
): readonly Strips[] {
  const all = [...joints, ...single(program, joints)];
  const found = program.code.flatMap((scan) => {
    if (scan.kind !== 'scan') return [];
    const readers = all.flatMap((joint) => readerOf(program, scan, joint) ?? []);
    const steps = stepsOf(scan, readers, limits);
    return steps === undefined ? [] : [{ scan, readers, steps }];
  });
  const membersOfAll = (readers: readonly Reader[]): readonly Instr[] =>
    readers.flatMap((r) => membersOf(r.joint));
  const busy = found.flatMap(({ readers }) => membersOfAll(readers));
  return found.map((strips) => {
    const readers = membersOfAll(strips.readers);
    return { ...strips, makers: makersBefore(program, strips.scan, { readers, busy }) };
  });
}

function stepsOf(scan: Scan, readers: readonly Reader[], limits: StripLimits): number | undefined {
  const [first] = readers;
  const operands = argsOfInstr(scan).length + outsOfInstr(scan).length; // each gets a parameter
  if (!first || operands > MAXIMUM_BUFFERS) return undefined;
  const bytes = readers.reduce((n, { stack }) => n + 4 * (stack.strides[0] as number), 0);
  const sums = readers.flatMap(({ joint }) => membersOf(joint).map((i) => 4 * sizeOf(i.shape)));
  const rows = sizeOf(leadOf(first.joint).over) / scan.length;
  // Bytes that each product reads of a step beside the stack.
  const own = readers.flatMap(({ joint, stack }) =>
    joint.companions.map(({ contract }) => {
      const columns = (stack.strides[0] as number) / rows;
      return (4 * rows * sizeOf(contract.shape)) / columns;
    }),
  );
  const near = Math.max(1, limits.rows / Math.max(0, ...own));
  const most = Math.min(limits.strip / bytes, near);
  const wanted = Math.min(limits.depth / rows, most);
  const steps = lengthNear(scan.length, wanted, most);
  const stacks = scan.length * bytes;
  if (steps === undefined || stacks < limits.stacks) return undefined;
  const more = Math.ceil(scan.length / steps) - (scan.length * rows) / limits.depth;
  return 2 * more * sums.reduce((a, b) => a + b) <= limits.sums * stacks ? steps : undefined;
}

/** A divisor, if one is less than a third off what is wanted: all strips can have the same functions then. */
function lengthNear(length: number, wanted: number, most: number): number | undefined {
  const divisor = divisorNear(length, wanted, most);
  if (divisor !== undefined && Math.abs(Math.log(divisor / wanted)) < Math.log(4 / 3))
    return divisor;
  const whole = Math.min(Math.round(wanted), Math.floor(most));
  return whole < 1 || whole >= length ? undefined : Math.ceil(length / Math.ceil(length / whole));
}

/** How many steps have run at the end of each strip: the longest run first. */
function endsOf(length: number, steps: number): readonly number[] {
  const count = Math.ceil(length / steps);
  const long = length - count * (steps - 1);
  return Array.from({ length: count }, (_, k) => (k + 1) * (steps - 1) + Math.min(k + 1, long));
}

function readerOf({ code, slots, outputs }: Program, scan: Scan, joint: Joint): Reader | undefined {
  const [first] = joint.companions;
  const { shape, over, args } = (first?.contract ?? joint.sum) as Member;
  const { slot, strides } = args[first?.common ?? 0] as Operand;
  const [stack, ...more] = scan.ys.filter((o) => o.slot === slot);
  if (!stack || more.length > 0 || argsOfInstr(scan).some((o) => o.slot === slot)) return undefined;
  const members = membersOf(joint);
  const [step] = stack.strides as [number];
  const time = over.findIndex((n, k) => n === scan.length && strides[shape.length + k] === step);
  // Whatever a member reads of the stack lies in the step that the loop has just made.
  const inStep = ({ shape, over, args }: Member): boolean =>
    args.every((o) => {
      const { low, high } = extent([...shape, ...over.with(time, 1)], o.strides);
      const same = o.offset === stack.offset && o.strides[shape.length + time] === step;
      return o.slot !== slot || (same && low >= 0 && high <= step);
    });
  if (time < 0 || !members.every(inStep)) return undefined;
  // Whatever else the members read is complete before the loop.
  const written = outsOfInstr(scan).map((o) => o.slot);
  const others = members.flatMap(argsOfInstr).filter((o) => o.slot !== slot);
  if (others.some((o) => written.some((w) => overlap(slots, o.slot, w)))) return undefined;
  const start = code.indexOf(scan);
  const free = (member: Instr): boolean =>
    code.indexOf(member) > start &&
    code.slice(start + 1, code.indexOf(member)).every((i) => readsNothingOf(slots, member, i));
  if (!members.every(free) || !members.every(isWhole)) return undefined;
  const readers = code.filter((i) => argsOfInstr(i).some((o) => o.slot === slot));
  const alone = !outputs.includes(slot) && readers.every((i) => members.includes(i as Member));
  return { joint, stack, time, alone };
}

/** The calls of a scan and its readers, and who that is; undefined where no reader's products can be planned. */
export function callsOfStrips(
  module: ModuleBuilder,
  { scan, makers, readers, steps }: Strips,
  name: string,
  around: Surroundings,
): Together | undefined {
  const own = (suffix: string): InStrips => ({ name: `${name}_${suffix}`, steps, around });
  const twins = findTwins(scan, readers).flatMap((pair, k) => {
    const sums = sumsOf(module, pair.readers, { ...own(`twins_${k}`), twins: pair.columns });
    return sums ? [{ pair, sums }] : [];
  });
  const made = [
    ...twins.map(({ sums }) => sums),
    ...readers.flatMap((reader, k) => {
      if (twins.some(({ pair }) => pair.readers.includes(reader))) return [];
      const collected = reader.joint.companions.length > 0 ? sumsOf : partsOfSum;
      return collected(module, [reader], own(`joint_${k}`)) ?? [];
    }),
  ];
  if (made.length === 0) return undefined;
  const planned = made.flatMap((m) => m.readers);
  const ready = makers.map((maker, k) => callOfMaker(module, maker, `${name}_made_${k}`, around));
  const short = [
    ...makers.flatMap(({ x }) => x ?? []),
    ...planned.flatMap(({ alone, stack }) => (alone ? [stack] : [])),
  ];
  // Without what nobody reads now.
  const written = twins.reduce((s, { pair, sums }) => withoutColumns(s, pair, sums.twins), scan);
  const loop = loopOf(module, written, { name: `${name}_scan`, short, around });
  const turns = endsOf(scan.length, steps).map((to, turn, ends): readonly Call[] => {
    const from = ends[turn - 1] ?? 0;
    const low = scan.reverse ? scan.length - to : from;
    const last = to === scan.length;
    const where = { turn, low, steps: to - from, first: turn === 0, last };
    return [
      ...ready.map((call) => call(where)),
      loop.call(where),
      ...made.map((sums) => sums.call(where)),
    ];
  });
  return {
    members: [...makers.map((m) => m.loop), scan, ...planned.flatMap((r) => membersOf(r.joint))],
    calls: [...loop.packs, ...turns.flat()],
    later: new Map(made.flatMap((m) => [...m.later])),
  };
}

/** Which strip: its number, its time steps, and whether it is the first or last to run. */
interface Turn extends Stretch {
  readonly turn: number;
  readonly first: boolean;
  readonly last: boolean;
}

interface LoopInStrips {
  readonly name: string;
  /** Xs and ys of which there is one strip. */
  readonly short: readonly Operand[];
  readonly around: Surroundings;
}

/** The scan, strip by strip: in between, carries wait in places of their own. */
function loopOf(
  module: ModuleBuilder,
  scan: Scan,
  { name, short, around: { constants, partsOf, place, callOf } }: LoopInStrips,
): { readonly packs: readonly Call[]; call(turn: Turn): Call } {
  const parts = partsOf(scan);
  const strip = scanApart(scan);
  const { main, packs } = prepareInstr(module, strip, name, {
    constants,
    counted: true,
    ...(parts && { range: parts }),
  });
  // Each operand of a strip has a buffer of its own, consts first.
  const operandOf = ({ buffer }: Pack) => scan.consts[strip.buffers.indexOf(buffer)] as Operand;
  const { slots, outputs } = scan.body;
  const carries = scan.init.map((_, k) => {
    const { size } = slots[outputs[k] as number] as { size: number };
    return fixed(addressOf(module.reserve(4 * size, `${name} carry`)));
  });
  const at = (o: Operand, elements = 0): Argument => addressIn(scan, o, elements, place);
  const call = ({ low, steps, first, last }: Turn): Call => {
    const ahead = scan.reverse ? steps - 1 : 0;
    const stacked = (o: Operand): Argument =>
      at(o, ((short.includes(o) ? 0 : low) + ahead) * (o.strides[0] as number));
    const args = [
      ...scan.consts.map((o) => at(o)),
      ...(first ? scan.init.map((o) => at(o)) : carries),
      ...scan.xs.map(stacked),
      ...(last ? scan.finals.map((o) => at(o)) : carries),
      ...scan.ys.map(stacked),
      fixed(steps),
    ];
    return { function: main, args, ...(parts && { parts: parts.count }) };
  };
  return { packs: packs.map((pack) => callOf(pack, at(operandOf(pack)))), call };
}

interface Sums {
  readonly readers: readonly Reader[];
  /** Columns of the second reader's stack that are not read. */
  readonly twins: number;
  call(turn: Turn): Call;
  /** Brings each result to its place. */
  readonly later: Together['later'];
}

/** The longest first. */
const lengthsOf = ({ joint, time }: Reader, steps: number): readonly number[] =>
  (leadOf(joint).over[time] as number) % steps === 0 ? [steps] : [steps, steps - 1];

interface InStrips {
  readonly name: string;
  readonly steps: number;
  readonly around: Surroundings;
  /** Columns that the stacks of two readers have in common. */
  readonly twins?: number;
}

/** The products of a joint, or of two, strip by strip, added up in places of their own. */
function sumsOf(
  module: ModuleBuilder,
  readers: readonly [Reader, ...Reader[]],
  { name, steps, around: { constants, partsOf, place }, twins = 0 }: InStrips,
): Sums | undefined {
  const [lead] = readers;
  const parted = partsOf(leadOf(lead.joint)) !== undefined;
  const byLength = new Map<number, Joined>();
  for (const n of lengthsOf(lead, steps)) {
    const like = byLength.get(steps);
    const strips = readers.map((reader) => jointOfStrip(reader, n));
    const own = { name: like ? `${name}_${n}` : name, like };
    const wanted = { ...own, constants, parted, adds: true, twins };
    const sums = prepareJoint(module, strips, wanted);
    if (!sums) return undefined;
    byLength.set(n, sums);
  }
  const results = readers.flatMap((reader) =>
    membersOf(reader.joint).map((member) => ({ reader, member })),
  );
  const longest = byLength.get(steps) as Joined;
  const kept = results.map(({ reader, member }, k) => {
    const plan = longest.inPanels && member.kind === 'contract' ? longest.plans[k] : undefined;
    return { reader, member, ...keep(module, member, `${name}_${k}`, place, plan) };
  });
  const call = ({ low, steps: n, first }: Turn): Call => {
    const { main, parts } = byLength.get(n) as Joined;
    const windows = kept.flatMap(({ reader: { alone, stack, time }, member, at }) => [
      ...member.args.map((o) => {
        const still = alone && o.slot === stack.slot;
        const step = o.strides[member.shape.length + time] as number;
        return addressIn(member, o, still ? 0 : low * step, place);
      }),
      at,
    ]);
    const args = [...windows, fixed(first ? 0 : -1)];
    return { function: main, args, ...(parted && { parts }) };
  };
  return {
    readers,
    twins: longest.twins,
    call,
    later: new Map(kept.map(({ member, bring }) => [member, [bring]])),
  };
}

/** A sum by itself: each strip's in a row of its own, and the sum of those rows at the end. */
function partsOfSum(
  module: ModuleBuilder,
  [reader]: readonly [Reader],
  { name, steps, around: { constants, partsOf, place } }: InStrips,
): Sums {
  const { joint, time, alone } = reader;
  const sum = joint.sum as Loop;
  const [arg, out] = [sum.args[0], sum.outs[0]] as [Operand, Operand];
  const parts = partsOf(sum);
  const setting = { constants, ...(parts && { range: parts }) };
  const shared = parts && { parts: parts.count };
  const size = sizeOf(sum.shape);
  const turns = Math.ceil((sum.over[time] as number) / steps);
  const rows = addressOf(module.reserve(4 * size * turns, `${name} rows`));
  const row = { ...arg, strides: [1, size] };
  const last = apart({ ...sum, over: [turns], args: [row] });
  const byLength = new Map(
    lengthsOf(reader, steps).map((n, k) => {
      const strip = apart({ ...sum, over: sum.over.with(time, n) });
      return [n, prepareInstr(module, strip, k === 0 ? name : `${name}_${n}`, setting).main];
    }),
  );
  const ofRows = prepareInstr(module, last, `${name}_rows`, setting);
  const finish: Call = {
    function: ofRows.main,
    args: [fixed(rows), addressIn(sum, out, 0, place)],
    ...shared,
  };
  return {
    readers: [reader],
    twins: 0,
    later: new Map([[sum, [finish]]]),
    call: ({ turn, low, steps: n }) => {
      const moved = alone ? 0 : low * (arg.strides[sum.shape.length + time] as number);
      const from = addressIn(sum, arg, moved, place);
      const main = byLength.get(n) as Callee;
      return { function: main, args: [from, fixed(rows + 4 * size * turn)], ...shared };
    },
  };
}

/** The scan with a buffer for each operand. */
function scanApart(scan: Scan): Scan {
  const { consts, init, xs, finals, ys } = scan;
  const own = separate([...consts, ...init, ...xs, ...finals, ...ys]);
  const take = (list: readonly Operand[]): Operand[] => own.operands.splice(0, list.length);
  return {
    ...scan,
    consts: take(consts),
    init: take(init),
    xs: take(xs),
    finals: take(finals),
    ys: take(ys),
    buffers: own.buffers,
  };
}

/** The same for all members of a joint. */
const jointOfStrip = ({ joint, time }: Reader, steps: number): Shared =>
  mapMembers(joint, (i) => apart({ ...i, over: i.over.with(time, steps) }));
