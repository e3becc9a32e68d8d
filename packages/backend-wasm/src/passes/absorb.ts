/**
 * Finds sums of products in time loops (affine.ts): what is added to a product, and to nothing else, is absorbed by it.
 * Program to program; knows expressions and windows.
 */
import {
  apply,
  arg,
  type BufferUse,
  type Contract,
  type Expr,
  type Loop,
  mapLeaves,
  mapSame,
  type Operand,
  type Program,
  type Scan,
} from '@ostinato/core/backend';
import { type Affine, plansInScan } from '../affine.ts';
import type { ContractPlan } from '../contract/plan.ts';
import { independent } from '../hazards.ts';
import type { Machine } from '../module-builder.ts';
import {
  areAdded,
  type Candidate,
  type Chain,
  candidatesOf,
  chainsOf,
  columnsOf,
  termsOf,
} from './terms.ts';

/** Of every time loop's body. */
export const absorb = (program: Program, machine: Machine): Program => ({
  ...program,
  code: mapSame(program.code, (i) => (i.kind === 'scan' ? absorbInScan(i, machine) : i)),
});

function absorbInScan(scan: Scan, machine: Machine): Scan {
  const loops = scan.body.code.filter((i) => i.kind === 'loop');
  return loops.reduce((s, loop) => absorbInLoop(s, loop, machine), scan);
}

interface Group {
  readonly members: readonly Candidate[];
  readonly biases: readonly Bias[];
}

interface Bias {
  /** A window of the columns alone. */
  readonly operand: Operand;
  /** Where it stands, in each sum that has the product. */
  readonly terms: readonly { readonly chain: Chain; readonly term: Expr }[];
}

function absorbInLoop(scan: Scan, loop: Loop, machine: Machine): Scan {
  const candidates = candidatesOf(scan.body, loop);
  if (candidates.length === 0) return scan;
  const chains = chainsOf(loop.body);
  const groups = groupsOf(scan, loop, { candidates, chains: [...chains.values()] }, machine);
  if (groups.length === 0) return scan;
  const result = groups.reduce(withGroup, scan);
  const { body } = result;
  const code = body.code.with(body.code.indexOf(loop), rewritten(loop, chains, groups));
  return { ...result, body: { ...body, code } };
}

/** What a loop reads of products, and the sums in which it may add to them. */
interface Found {
  readonly candidates: readonly Candidate[];
  readonly chains: readonly Chain[];
}

/** No product is in two of them, and no bias. */
function groupsOf(
  scan: Scan,
  loop: Loop,
  { candidates, chains }: Found,
  machine: Machine,
): readonly Group[] {
  const { inputs, slots } = scan.body;
  const sizes = new Map(
    inputs.slice(0, scan.consts.length).map((slot) => [slot, slots[slot]?.size ?? 0]),
  );
  const groups: Group[] = [];
  for (const candidate of candidates) {
    if (groups.some((g) => g.members.includes(candidate))) continue;
    const partners = candidates.filter(
      (o) =>
        o !== candidate &&
        !groups.some((g) => g.members.includes(o)) &&
        addedTogether(loop, chains, candidate, o),
    );
    const around = chains.filter((c) => termsOf(loop, c, candidate.slot).length > 0);
    // A term is one product's bias, not two's.
    const taken = groups.flatMap((g) => g.biases.flatMap((b) => b.terms));
    const biases = biasesOf(loop, around, candidate, sizes).filter((b) =>
      b.terms.every((t) => !taken.some((o) => o.chain === t.chain && o.term === t.term)),
    );
    const group = { members: [candidate, ...partners], biases };
    const choices = [group, { ...group, biases: [] }, { ...group, members: [candidate] }];
    const pays = ({ members, biases }: Group): boolean => members.length + biases.length > 1;
    const fit = choices.find((g) => pays(g) && fits(scan, g, machine));
    if (fit) groups.push(fit);
  }
  return groups;
}

/** Whether each sum that has one of the two has the other, at the same place of the out. */
function addedTogether(loop: Loop, chains: readonly Chain[], a: Candidate, b: Candidate): boolean {
  const shape = JSON.stringify(a.contract.shape);
  const has = (chain: Chain, { slot }: Candidate): boolean => termsOf(loop, chain, slot).length > 0;
  return (
    shape === JSON.stringify(b.contract.shape) &&
    chains.every((c) => areAdded(loop, c, a, b) || !(has(c, a) || has(c, b)))
  );
}

/** What is added to a candidate once in each of these sums, column by column, and stays the same in each row and step. */
function biasesOf(
  loop: Loop,
  chains: readonly Chain[],
  candidate: Candidate,
  sizes: ReadonlyMap<number, number>,
): readonly Bias[] {
  const [first, ...rest] = chains.map((chain) =>
    chain.flatMap((term) => {
      const operand = biasOf(loop, chain, candidate, term);
      // All columns get it, those too that nobody reads.
      const size = operand ? (sizes.get(operand.slot) ?? 0) : 0;
      return operand && operand.offset + candidate.columns <= size
        ? [{ operand, chain, term }]
        : [];
    }),
  );
  return (first ?? []).flatMap(({ operand }): readonly Bias[] => {
    const terms = [first ?? [], ...rest].map((list) =>
      list.filter(({ operand: o }) => o.slot === operand.slot && o.offset === operand.offset),
    );
    return terms.every((list) => list.length === 1) ? [{ operand, terms: terms.flat() }] : [];
  });
}

/** A term as a bias of all columns: a window that runs along the columns of the product's, and no rows. */
function biasOf(loop: Loop, chain: Chain, candidate: Candidate, term: Expr): Operand | undefined {
  const { columns } = candidate;
  const operand = term.op === 'arg' ? loop.args[term.index] : undefined;
  const [z, ...more] = termsOf(loop, chain, candidate.slot);
  if (operand?.dtype !== 'float32' || !z || more.length > 0) return undefined;
  const seen = columnsOf(loop, candidate, z);
  const column = z.offset - candidate.contract.outs[0].offset;
  const along = z.strides.every((s, k) => operand.strides[k] === (s % columns === 0 ? 0 : s));
  const within = column < columns && seen.low >= 0 && seen.high <= columns;
  return along && within && operand.offset >= column
    ? { ...operand, offset: operand.offset - column, strides: [] }
    : undefined;
}

/** Whether its products can be planned as one, whether threads share rows or not, and run where the last one does. */
function fits(scan: Scan, { members, biases }: Group, machine: Machine): boolean {
  const { body, rows } = scan;
  const { code, slots } = body;
  const products = members.map((m) => m.contract);
  const places = products.map((p) => code.indexOf(p));
  const last = Math.max(...places);
  const movable = products.every((p) =>
    code
      .slice(code.indexOf(p) + 1, last)
      .every((i) => products.includes(i as Contract) || independent(slots, p, i)),
  );
  const axes = new Set(places.map((k) => rows?.axis[k] ?? null));
  if (!movable || axes.size > 1) return false;
  const [axis = null] = axes;
  const columns = biases.length > 0 ? members[0]?.columns : undefined;
  // Columns of a plan may be several axes of the product, of which a bias has the last.
  const asWide = ([plan]: readonly ContractPlan[]): boolean =>
    columns === undefined || columns === plan?.columns.size;
  return plansInScan(scan, products, axis, machine)?.every(asWide) ?? false;
}

function withGroup(scan: Scan, { members, biases }: Group): Scan {
  const { body, rows } = scan;
  const places = members.map((m) => body.code.indexOf(m.contract));
  const last = Math.max(...places);
  const buffers: BufferUse[] = [];
  const moved = ({ buffers: own, args: [a, b], ...rest }: Contract): Contract => {
    const base = buffers.push(...own) - own.length;
    const shifted = (o: Operand): Operand => ({ ...o, buffer: o.buffer + base });
    return { ...rest, buffers, args: [shifted(a), shifted(b)], outs: [shifted(rest.outs[0])] };
  };
  const all = members.map((m) => moved(m.contract));
  const added = biases.map(({ operand }): Operand => {
    const buffer = buffers.push({ source: 'slot', index: operand.slot, access: 'read' }) - 1;
    return { ...operand, buffer };
  });
  const [first, ...others] = all as [Contract, ...Contract[]];
  const products = others.map((c): Contract => ({ ...c, outs: first.outs }));
  const affine: Affine = { ...first, products, biases: added, onto: false };
  const keep = (_: unknown, k: number): boolean => k === last || !places.includes(k);
  const code = body.code.with(last, affine).filter(keep);
  return {
    ...scan,
    body: { ...body, code },
    ...(rows && { rows: { ...rows, axis: rows.axis.filter(keep) } }),
  };
}

/** The loop without what groups have added already. */
function rewritten(loop: Loop, chains: ReadonlyMap<Expr, Chain>, groups: readonly Group[]): Loop {
  const done = new Map<Expr, Expr>();
  const biases = groups.flatMap((g) => g.biases.flatMap((b) => b.terms));
  const joined = groups.flatMap((g) => g.members.slice(1).map((m) => m.slot));
  /** A product's, where another one has its place, or a bias. */
  const isGone = (chain: Chain, term: Expr): boolean => {
    const operand = term.op === 'arg' ? loop.args[term.index] : undefined;
    return (
      (operand !== undefined && joined.includes(operand.slot)) ||
      biases.some((t) => t.chain === chain && t.term === term)
    );
  };
  const rewrite = (x: Expr): Expr => {
    const known = done.get(x);
    if (known) return known;
    const chain = chains.get(x) ?? [];
    const left = chain.filter((t) => !isGone(chain, t));
    const made =
      left.length < chain.length
        ? left.map(rewrite).reduce((a, b) => apply('add', a, b))
        : 'args' in x
          ? ({ ...x, args: mapSame(x.args, rewrite) } as Expr)
          : x;
    done.set(x, made);
    return made;
  };
  return { ...loop, ...withoutIdle(loop.args, loop.body.map(rewrite)) };
}

/** Args that no expression reads are none. */
function withoutIdle(args: readonly Operand[], body: readonly Expr[]): Pick<Loop, 'args' | 'body'> {
  const used: Operand[] = [];
  const memo: Parameters<typeof mapLeaves>[2] = new Map();
  const renumber = (leaf: Expr): Expr => {
    if (leaf.op !== 'arg') return leaf;
    const operand = args[leaf.index] as Operand;
    const known = used.indexOf(operand);
    return arg(known >= 0 ? known : used.push(operand) - 1);
  };
  return { body: body.map((x) => mapLeaves(x, renumber, memo)), args: used };
}
