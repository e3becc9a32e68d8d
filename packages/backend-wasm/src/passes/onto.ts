/**
 * A map of a time loop that only adds something to a product is none: the map before it, which has made what is added,
 * leaves that where the sum goes, and the product's sums begin from there (affine.ts). Program to program; knows
 * expressions and windows.
 */
import {
  apply,
  arg,
  type BufferUse,
  type Contract,
  type Expr,
  exprOrder,
  type Instr,
  type Loop,
  mapLeaves,
  mapSame,
  type Operand,
  outsOfInstr,
  type Program,
  type Scan,
} from '@ostinato/core/backend';
import { type Affine, plansInScan, readsOf } from '../affine.ts';
import { overlap } from '../hazards.ts';
import type { Machine } from '../module-builder.ts';
import { candidatesOf, chainsOf } from './terms.ts';

/** Of every time loop's body. */
export const addOnto = (program: Program, machine: Machine): Program => ({
  ...program,
  code: mapSame(program.code, (i) => (i.kind === 'scan' ? ontoInScan(i, machine) : i)),
});

/** Who makes what is added comes before the adder, so no map is changed before its own turn. */
const ontoInScan = (scan: Scan, machine: Machine): Scan =>
  scan.body.code
    .filter((i) => i.kind === 'loop')
    .reduce((s, adder) => addedOnto(s, adder, machine), scan);

function addedOnto(scan: Scan, adder: Loop, machine: Machine): Scan {
  const { body, rows } = scan;
  const added = addedTo(body, adder);
  const maker = added && makerOf(body, adder, added);
  if (!added || !maker) return scan;
  const { code } = body;
  const product = ontoGoal(added.product, adder);
  const axisOf = (i: Instr): number | null => rows?.axis[code.indexOf(i)] ?? null;
  const axis = axisOf(added.product);
  if (axis !== axisOf(adder) || axis !== axisOf(maker)) return scan;
  if (!plansInScan(scan, [product, ...product.products], axis, machine)) return scan;
  const instead = new Map<Instr, Instr>([
    [maker, withRest(body, maker, adder, added.rest)],
    [added.product, product],
  ]);
  const keep = (_: unknown, k: number): boolean => code[k] !== adder;
  return {
    ...scan,
    body: { ...body, code: code.filter(keep).map((i) => instead.get(i) ?? i) },
    ...(rows && { rows: { ...rows, axis: rows.axis.filter(keep) } }),
  };
}

interface Added {
  readonly product: Contract;
  /** What is added to it; of the adder's args. */
  readonly rest: Expr;
}

/** A product that the map reads once, all of it, and the rest of the only sum that the map computes. */
function addedTo(body: Program, adder: Loop): Added | undefined {
  const [root, ...more] = adder.body;
  if (!root || more.length > 0 || adder.over.length > 0) return undefined;
  const chain = chainsOf([root]).get(root) ?? [];
  for (const { contract, slot } of candidatesOf(body, adder)) {
    const reads = (x: Expr): boolean => x.op === 'arg' && adder.args[x.index]?.slot === slot;
    const [term, ...others] = chain.filter(reads);
    const [first, ...rest] = chain.filter((t) => t !== term);
    if (term?.op !== 'arg' || others.length > 0 || !first) continue;
    const sum = rest.reduce((a, b) => apply('add', a, b), first);
    const whole =
      `${contract.shape}` === `${adder.shape}` &&
      isSame(adder.args[term.index] as Operand, contract.outs[0]);
    if (whole && !exprOrder([sum]).some(reads)) return { product: contract, rest: sum };
  }
  return undefined;
}

const isSame = (p: Operand, q: Operand): boolean =>
  p.slot === q.slot && p.offset === q.offset && `${p.strides}` === `${q.strides}`;

/** The last map before the product that can leave there what is added, so that nobody is in the way until then. */
function makerOf(
  { code, slots }: Program,
  adder: Loop,
  { product, rest }: Added,
): Loop | undefined {
  const [goal] = adder.outs as [Operand];
  const needed = exprOrder([rest]).flatMap((x) => (x.op === 'arg' ? [adder.args[x.index]] : []));
  const meets = (list: readonly Operand[], slot: number): boolean =>
    list.some((o) => overlap(slots, o.slot, slot));
  const fits = (i: Instr): i is Loop => {
    const at = code.indexOf(i);
    const until = code.slice(at, code.indexOf(adder));
    const touched = until.flatMap((u) => [...readsOf(u), ...outsOfInstr(u)]);
    const written = until.flatMap(outsOfInstr);
    return (
      i.kind === 'loop' &&
      i.over.length === 0 &&
      `${i.shape}` === `${adder.shape}` &&
      !meets(touched, goal.slot) &&
      needed.every((o) => o && (i.outs.some((out) => isSame(out, o)) || !meets(written, o.slot)))
    );
  };
  return code.slice(0, code.indexOf(product)).findLast(fits);
}

/** The map with one more out, which is what the adder adds; without outs that only the adder has read. */
function withRest({ code, outputs }: Program, maker: Loop, adder: Loop, rest: Expr): Loop {
  const buffers: BufferUse[] = [...maker.buffers];
  const args = [...maker.args];
  const [goal] = adder.outs as [Operand];
  const brought = (o: Operand): Operand => ({
    ...o,
    buffer: buffers.push(adder.buffers[o.buffer] as BufferUse) - 1,
  });
  const leaf = (x: Expr): Expr => {
    if (x.op !== 'arg') return x;
    const operand = adder.args[x.index] as Operand;
    const made = maker.outs.findIndex((out) => isSame(out, operand));
    if (made >= 0) return maker.body[made] as Expr;
    const known = args.findIndex((o) => isSame(o, operand));
    return arg(known >= 0 ? known : args.push(brought(operand)) - 1);
  };
  const value = mapLeaves(rest, leaf, new Map());
  const read = ({ slot }: Operand): boolean =>
    outputs.includes(slot) ||
    code.some((i) => i !== adder && readsOf(i).some((o) => o.slot === slot));
  const kept = maker.outs.map(read);
  return {
    ...maker,
    buffers,
    args,
    body: [...maker.body.filter((_, k) => kept[k]), value],
    outs: [...maker.outs.filter((_, k) => kept[k]), brought(goal)],
  };
}

function ontoGoal(product: Contract & Partial<Affine>, adder: Loop): Affine {
  const { buffers, products = [], biases = [] } = product;
  const [goal] = adder.outs as [Operand];
  const use = adder.buffers[goal.buffer] as BufferUse;
  const out = { ...goal, buffer: buffers.length };
  const all = [...buffers, { ...use, access: 'readwrite' as const }];
  return {
    ...product,
    buffers: all,
    outs: [out],
    products: products.map((p) => ({ ...p, buffers: all, outs: [out] })),
    biases,
    onto: true,
  };
}
