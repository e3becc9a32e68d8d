/**
 * Splits every scan into prologue, recurrence and epilogue. Heavy work that does not wait for the carry runs once for
 * all steps, before the loop; heavy work that no carry waits for runs once, behind it; a sum over time of products is
 * one product. So input projections and weight gradients become one large product each, for any cell, on any backend.
 */
import { dependents, rewrite, topo, withArgs } from '../graph/rewrite.ts';
import { isHeavy, param, type ScanOp, Tensor } from '../graph/tensor.ts';
import { closeOver, scanNode } from '../ops/scan.ts';
import { broadcastAxes } from '../ops/views.ts';
import { type LiftTable, liftOver, type Outside } from './lift.ts';
import type { LiftSum } from './scan-gradients.ts';

/** What few graphs need: without `liftSum` a sum over time is like any other. */
export interface Lifts {
  readonly liftSum?: LiftSum;
  readonly liftTable?: LiftTable;
}

export function fission(roots: readonly Tensor[], lifts: Lifts = {}): readonly Tensor[] {
  const order = topo(roots);
  if (order.every((t) => t.op.kind !== 'scan')) return roots;
  // How each result is read: stacked over time, or summed over time.
  const plain = new Map<Tensor, Set<number>>();
  const note = (p: Tensor): void => {
    const node = p.args[0] as Tensor;
    plain.set(node, (plain.get(node) ?? new Set()).add((p.op as { index: number }).index));
  };
  const isY = (t: Tensor | undefined): t is Tensor =>
    t?.op.kind === 'pick' &&
    t.args[0]?.op.kind === 'scan' &&
    t.op.index >= t.args[0].op.counts.carry;
  const isTimeSum = (t: Tensor): boolean =>
    lifts.liftSum !== undefined &&
    t.op.kind === 'reduce' &&
    t.op.combine === 'sum' &&
    t.op.axes.includes(0) &&
    isY(t.args[0]);
  for (const t of order) {
    if (isTimeSum(t)) continue;
    for (const a of t.args) if (a.op.kind === 'pick') note(a);
  }
  for (const r of roots) if (r.op.kind === 'pick') note(r);

  const split = new Map<Tensor, Split>();
  const rule = (t: Tensor, args: readonly Tensor[]): Tensor => {
    if (t.op.kind === 'scan') {
      const s = splitScan(t.op, args, plain.get(t) ?? new Set(), lifts);
      split.set(t, s);
      return s.node;
    }
    if (t.op.kind === 'pick') {
      const s = split.get(t.args[0] as Tensor);
      if (s) return s.stacked(t.op.index) ?? withArgs(t, args);
    }
    if (t.op.kind === 'reduce' && isTimeSum(t)) {
      const y = t.args[0] as Tensor;
      const s = split.get(y.args[0] as Tensor) as Split;
      const total = s.summed((y.op as { index: number }).index);
      const axes = t.op.axes.filter((a) => a > 0).map((a) => a - 1);
      return axes.length === 0
        ? total
        : new Tensor({ ...t.op, axes }, t.shape, t.dtype, [total], t.label);
    }
    return withArgs(t, args);
  };
  return rewrite(roots, rule, order);
}

interface Split {
  readonly node: Tensor;
  /** Result `index`, ys stacked over time; undefined if nobody reads it so. */
  stacked(index: number): Tensor | undefined;
  /** Y `index`, summed over time. */
  summed(index: number): Tensor;
}

function splitScan(
  op: ScanOp,
  args: readonly Tensor[],
  stackedReads: ReadonlySet<number>,
  lifts: Lifts,
): Split {
  const { counts, length } = op;
  const { consts: nc, carry: nk } = counts;
  const { params } = op.body;
  const results = fission(op.body.results, lifts);
  const outerOf = (p: Tensor): Tensor => args[params.indexOf(p)] as Tensor;

  // 1. Prologue: heavy nodes that do not wait for the carry. A checkpointed loop keeps all its work inside: lifting
  // it over all segments would store what checkpointing is there not to store. A nested loop cannot be lifted.
  const order = topo(results);
  const waits = dependents(order, [
    ...params.slice(nc, nc + nk),
    ...order.filter((t) => t.op.kind === 'scan'),
  ]);
  const timed = new Map<Tensor, Tensor>(params.slice(nc + nk).map((p) => [p, outerOf(p)]));
  const still = new Map<Tensor, Tensor>(params.slice(0, nc).map((p) => [p, outerOf(p)]));
  const before = liftOver(length, outside(timed, still), lifts.liftTable);
  const hoisted = (t: Tensor): boolean => isHeavy(t) && !waits.has(t) && !op.checkpoint;
  const rest = rewrite(results, (t, inner) => {
    if (!hoisted(t)) return withArgs(t, inner);
    const p = param(t.shape, t.dtype, t.label);
    const lifted = before(t);
    if (lifted.timed) timed.set(p, lifted.value);
    else still.set(p, lifted.value);
    return p;
  });

  // 2. Epilogue: ys that no carry waits for and that end in heavy work. What they read is stacked instead.
  const needed = new Set(topo(rest.slice(0, nk)));
  const sinks = new Map<Tensor, boolean>();
  for (const t of topo(rest)) {
    const free = !op.checkpoint && !needed.has(t) && t.op.kind !== 'scan' && t.op.kind !== 'pick';
    const sunk = free && (isHeavy(t) || t.args.some((a) => sinks.get(a) === true));
    sinks.set(t, sunk);
  }
  const moves = dependents(topo(rest), [...params.slice(nc, nc + nk), ...timed.keys()]);
  const stacks: Tensor[] = [];
  const stack = (t: Tensor): void => {
    if (!stacks.includes(t)) stacks.push(t);
  };
  const visited = new Set<Tensor>();
  const frontier = (t: Tensor): void => {
    if (visited.has(t) || timed.has(t) || still.has(t)) return;
    visited.add(t);
    if (sinks.get(t)) t.args.forEach(frontier);
    else if (moves.has(t)) stack(t);
  };
  const ys = rest.slice(nk);
  ys.forEach((t) => {
    if (sinks.get(t)) frontier(t);
    else if (!timed.has(t) && moves.has(t)) stack(t);
  });

  // 3. Recurrence: whatever is left.
  const final = [...rest.slice(0, nk), ...stacks];
  const used = new Set(topo(final));
  const carry = params.slice(nc, nc + nk);
  const xs = [...timed].filter(([p]) => used.has(p));
  const inner = rewrite(final, (t, a) => still.get(t) ?? withArgs(t, a));
  const closed = closeOver({ params: [...carry, ...xs.map(([p]) => p)], results: inner });
  const out = scanNode(
    closed,
    carry.map(outerOf),
    xs.map(([, v]) => v),
    op,
  );

  const behind = new Map(timed);
  stacks.forEach((t, i) => {
    behind.set(t, out.ys[i] as Tensor);
  });
  const seen = outside(behind, still);
  const after = liftOver(length, seen, lifts.liftTable);
  return {
    node: out.node,
    stacked(index) {
      if (index < nk) return out.carry[index];
      if (!stackedReads.has(index)) return undefined;
      const lifted = after(ys[index - nk] as Tensor);
      const { value } = lifted;
      return lifted.timed ? value : broadcastAxes(value, [0], [length, ...value.shape]);
    },
    summed: (index) =>
      (lifts.liftSum as LiftSum)(ys[index - nk] as Tensor, { length, outside: seen, lift: after }),
  };
}

const outside =
  (timed: ReadonlyMap<Tensor, Tensor>, still: ReadonlyMap<Tensor, Tensor>): Outside =>
  (t) => {
    const moving = timed.get(t);
    if (moving) return { value: moving, timed: true };
    const fixed = still.get(t);
    return fixed && { value: fixed, timed: false };
  };
