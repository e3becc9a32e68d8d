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
import type { Affine } from './affine.ts';
import { planAffine } from './contract/affine.ts';
import { independent } from './hazards.ts';
import type { Machine } from './module-builder.ts';
import { type Candidate, candidateOf, chainsOf, flat, sameWindow, termsOf } from './terms.ts';

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
  /** Windows of their columns alone. */
  readonly biases: readonly Operand[];
}

function absorbInLoop(scan: Scan, loop: Loop, machine: Machine): Scan {
  const groups = groupsOf(scan, loop, machine);
  if (groups.length === 0) return scan;
  const result = groups.reduce(withGroup, scan);
  const { body } = result;
  const code = body.code.with(body.code.indexOf(loop), rewritten(loop, groups));
  return { ...result, body: { ...body, code } };
}

/** No product is in two of them, and no bias. */
function groupsOf(scan: Scan, loop: Loop, machine: Machine): readonly Group[] {
  const { code, inputs, slots } = scan.body;
  const sizes = new Map(
    inputs.slice(0, scan.consts.length).map((slot) => [slot, slots[slot]?.size ?? 0]),
  );
  const candidates = code.flatMap((i) => candidateOf(scan.body, loop, i) ?? []);
  if (candidates.length === 0) return [];
  const chains = chainsOf(loop.body);
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
    const biases = biasesOf(loop, around, candidate, sizes).filter(
      (b) => !groups.some((g) => g.biases.some((o) => sameStart(o, b))),
    );
    const group = { members: [candidate, ...partners], biases };
    const choices = [group, { ...group, biases: [] }, { ...group, members: [candidate] }];
    const pays = ({ members, biases }: Group): boolean => members.length + biases.length > 1;
    const fit = choices.find((g) => pays(g) && fits(scan, g, machine));
    if (fit) groups.push(fit);
  }
  return groups;
}

const sameStart = (a: Operand, b: Operand): boolean => a.slot === b.slot && a.offset === b.offset;

/** Whether each sum that has one of the two has the other, at the same place of the out. */
function addedTogether(
  loop: Loop,
  chains: readonly (readonly Expr[])[],
  a: Candidate,
  b: Candidate,
): boolean {
  const shape = JSON.stringify(a.contract.shape);
  const shift = a.contract.outs[0].offset - b.contract.outs[0].offset;
  return (
    shape === JSON.stringify(b.contract.shape) &&
    chains.every((chain) => {
      const [p, q] = [termsOf(loop, chain, a.slot), termsOf(loop, chain, b.slot)];
      if (p.length === 0 && q.length === 0) return true;
      return (
        p.length === 1 && q.length === 1 && sameWindow(p[0] as Operand, q[0] as Operand, shift)
      );
    })
  );
}

/** What is added to a candidate in each of these sums, column by column, and stays the same in each row and step. */
function biasesOf(
  loop: Loop,
  chains: readonly (readonly Expr[])[],
  candidate: Candidate,
  sizes: ReadonlyMap<number, number>,
): readonly Operand[] {
  const found = chains.map((chain) => {
    const [z, ...more] = termsOf(loop, chain, candidate.slot);
    if (!z || more.length > 0) return [];
    return chain.flatMap((t): readonly Operand[] => {
      const operand = t.op === 'arg' ? loop.args[t.index] : undefined;
      const size = operand && sizes.get(operand.slot);
      if (size === undefined || operand?.dtype !== 'float32') return [];
      const offset = biasAt(candidate, z, operand);
      // All columns get it, those too that nobody reads.
      const fits = offset !== undefined && offset + candidate.columns <= size;
      return fits ? [{ ...operand, offset, strides: [] }] : [];
    });
  });
  const [first = [], ...rest] = found;
  return first.filter(
    (b, k) =>
      first.findIndex((o) => sameStart(o, b)) === k &&
      rest.every((list) => list.some((o) => sameStart(o, b))),
  );
}

/** Where a window's first column begins, if it runs along the columns of `z` and no rows. */
function biasAt(
  { contract, columns }: Candidate,
  z: Operand,
  { offset, strides }: Operand,
): number | undefined {
  const column = z.offset - contract.outs[0].offset;
  const along = z.strides.every((s, k) => strides[k] === (s % columns === 0 ? 0 : s));
  return along && column < columns && offset >= column ? offset - column : undefined;
}

/** Whether its products can be planned as one, whether threads share rows or not, and run where the last one does. */
function fits(scan: Scan, { members, biases }: Group, machine: Machine): boolean {
  const { target, pairs, extras, threads } = machine;
  const { body, rows } = scan;
  const { code, slots, inputs } = body;
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
  const constants = new Map(inputs.slice(0, scan.consts.length).map((slot) => [slot, null]));
  const paired = products.every((p) => pairs?.(p) ?? false);
  const columns = biases.length > 0 ? members[0]?.columns : undefined;
  const ranges = threads.count > 1 && axis !== null ? [undefined, axis] : [undefined];
  return ranges.every((rangeAxis) => {
    const wanted = { constants, rangeAxis, extras };
    const plans = planAffine(products, { ...target, paired }, wanted);
    // Columns of a plan may be several axes of the product, of which a bias has the last.
    return plans !== undefined && (columns ?? plans[0]?.columns.size) === plans[0]?.columns.size;
  });
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
  const added = biases.map((bias): Operand => {
    const buffer = buffers.push({ source: 'slot', index: bias.slot, access: 'read' }) - 1;
    return { ...bias, buffer };
  });
  const [first, ...others] = all as [Contract, ...Contract[]];
  const products = others.map((c): Contract => ({ ...c, outs: first.outs }));
  const affine: Affine = { ...first, products, biases: added };
  const keep = (_: unknown, k: number): boolean => k === last || !places.includes(k);
  const code = body.code.with(last, affine).filter(keep);
  return {
    ...scan,
    body: { ...body, code },
    ...(rows && { rows: { ...rows, axis: rows.axis.filter(keep) } }),
  };
}

/** The loop without what groups have added already. */
function rewritten(loop: Loop, groups: readonly Group[]): Loop {
  const done = new Map<Expr, Expr>();
  const operandOf = (x: Expr): Operand | undefined =>
    x.op === 'arg' ? loop.args[x.index] : undefined;
  const absorbed = (terms: readonly Expr[]): ReadonlySet<Expr> => {
    const gone = new Set<Expr>();
    for (const { members, biases } of groups) {
      const [{ slot, contract }, ...others] = members as [Candidate, ...Candidate[]];
      const z = terms.map(operandOf).find((o) => o?.slot === slot);
      if (!z) continue;
      const column = z.offset - contract.outs[0].offset;
      for (const t of terms) {
        const o = operandOf(t);
        const added = biases.some((b) => o?.slot === b.slot && o.offset === b.offset + column);
        if (added || others.some((m) => m.slot === o?.slot)) gone.add(t);
      }
    }
    return gone;
  };
  const rewrite = (x: Expr): Expr => {
    const known = done.get(x);
    if (known) return known;
    const terms = flat(x);
    const gone = absorbed(terms);
    const made =
      gone.size > 0
        ? terms
            .filter((t) => !gone.has(t))
            .map(rewrite)
            .reduce((a, b) => apply('add', a, b))
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
