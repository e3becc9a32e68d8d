/**
 * What a map adds up: products that nobody else reads, and the sums in which they are terms. Knows expressions and
 * windows.
 */
import {
  argsOf,
  type Contract,
  denseStrides,
  type Expr,
  extent,
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Program,
} from '@ostinato/core/backend';
import { readsOf } from '../affine.ts';
import { suits } from '../contract/index.ts';

/** A product that one loop reads, and nobody else. */
export interface Candidate {
  readonly contract: Contract;
  readonly slot: number;
  readonly columns: number;
}

export const candidatesOf = (body: Program, loop: Loop): readonly Candidate[] =>
  body.code.flatMap((i) => candidateOf(body, loop, i) ?? []);

function candidateOf({ code, outputs }: Program, loop: Loop, i: Instr): Candidate | undefined {
  if (i.kind !== 'contract') return undefined;
  const { slot, strides } = i.outs[0];
  const touches = (list: readonly Operand[]): boolean => list.some((o) => o.slot === slot);
  if (!touches(loop.args) || outputs.includes(slot)) return undefined;
  const touching = code.filter((c) => touches(readsOf(c)) || touches(outsOfInstr(c)));
  const dense = denseStrides(i.shape).every((n, k) => n === strides[k]);
  return dense && touching.length === 2 && suits(i)
    ? { contract: i, slot, columns: i.shape.at(-1) as number }
    : undefined;
}

/** The terms of a sum. */
export type Chain = readonly Expr[];

/** Of the longest sums, and of all other expressions as sums of one term; each by what they sum up to. */
export function chainsOf(roots: readonly Expr[]): ReadonlyMap<Expr, Chain> {
  const chains = new Map<Expr, Chain>();
  const visit = (x: Expr): void => {
    if (chains.has(x)) return;
    const terms = flat(x);
    chains.set(x, terms);
    for (const t of terms) argsOf(t).forEach(visit);
  };
  roots.forEach(visit);
  return chains;
}

const flat = (x: Expr): Chain => (x.op === 'add' ? x.args.flatMap(flat) : [x]);

/** The windows of a slot among the terms. */
export const termsOf = ({ args }: Loop, chain: Chain, slot: number): readonly Operand[] =>
  chain.flatMap((t) => {
    const operand = t.op === 'arg' ? args[t.index] : undefined;
    return operand?.slot === slot ? [operand] : [];
  });

/** Whether a sum has each of the two once, at the same place of their outs. */
export function areAdded(loop: Loop, chain: Chain, a: Candidate, b: Candidate): boolean {
  const [p, ...moreP] = termsOf(loop, chain, a.slot);
  const [q, ...moreQ] = termsOf(loop, chain, b.slot);
  if (!p || !q || moreP.length + moreQ.length > 0) return false;
  const shift = a.contract.outs[0].offset - b.contract.outs[0].offset;
  return p.offset - q.offset === shift && p.strides.every((s, k) => s === q.strides[k]);
}

/** Columns of a product, from one to before another. */
export interface Columns {
  readonly low: number;
  readonly high: number;
}

/** What a window shows of each row; beyond the columns where it goes from one row to another. */
export function columnsOf(
  { shape, over }: Loop,
  { contract, columns }: Candidate,
  z: Operand,
): Columns {
  const along = z.strides.map((s) => (s % columns === 0 ? 0 : s));
  const { low, high } = extent([...shape, ...over], along);
  const first = (z.offset - contract.outs[0].offset) % columns;
  return { low: first + low, high: first + high };
}
