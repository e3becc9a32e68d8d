/** Scans made small: what stays the same from step to step becomes a constant; results and carries that nobody reads go. */
import { dependents, rewrite, topo, withArgs } from '../graph/rewrite.ts';
import type { ScanOp, Tensor } from '../graph/tensor.ts';
import { closeOver, scanNode } from '../ops/scan.ts';
import { broadcastAxes } from '../ops/views.ts';

/** Rebuilds every scan of this level with only what is read and what moves; the same nodes where all are tidy. */
export function tidyScans(roots: readonly Tensor[]): readonly Tensor[] {
  const order = topo(roots);
  if (order.every((t) => t.op.kind !== 'scan')) return roots;
  const read = new Map<Tensor, Set<number>>();
  for (const t of order)
    if (t.op.kind === 'pick') {
      const node = t.args[0] as Tensor;
      read.set(node, (read.get(node) ?? new Set()).add(t.op.index));
    }
  const results = new Map<Tensor, Map<number, Tensor>>(); // scan -> index -> what it became
  const rule = (t: Tensor, args: readonly Tensor[]): Tensor => {
    if (t.op.kind === 'scan') {
      const tidy = tidyScan(t.op, args, read.get(t) ?? new Set());
      if (!tidy) return withArgs(t, args);
      results.set(t, tidy.results);
      return tidy.node;
    }
    if (t.op.kind === 'pick') {
      const known = results.get(t.args[0] as Tensor);
      if (known) return known.get(t.op.index) as Tensor;
    }
    return withArgs(t, args);
  };
  return rewrite(roots, rule, order);
}

/** Null where nothing is to be done. */
function tidyScan(
  op: ScanOp,
  args: readonly Tensor[],
  read: ReadonlySet<number>,
): { node: Tensor; results: Map<number, Tensor> } | null {
  const { body, counts, length } = op;
  const { consts: nc, carry: nk } = counts;
  const outer = (p: Tensor): Tensor => args[body.params.indexOf(p)] as Tensor;

  // 1. Parameters that are the same in every step stand for their outer value, equal xs for the first of them.
  const first = new Map<Tensor, Tensor>();
  const stands = new Map<Tensor, Tensor>();
  body.params.forEach((p, i) => {
    if (i < nc) stands.set(p, outer(p));
    else if (i < nc + nk) {
      if (body.results[i - nc] === p) stands.set(p, outer(p));
    } else {
      const x = outer(p);
      const still = withoutTime(x) ?? first.get(x);
      if (still) stands.set(p, still);
      else first.set(x, p);
    }
  });
  const inner = substitute(body.results, stands);

  // 2. Results that need no loop, and equal results.
  const results = new Map<number, Tensor>();
  const ys: Tensor[] = [];
  const yOf = new Map<number, number>();
  const moving = new Set(body.params.filter((p) => !stands.has(p)));
  const varies = dependents(topo(inner), moving);
  for (const i of read) {
    const r = inner[i] as Tensor;
    const p = body.params.indexOf(r);
    if (i < nk) {
      if (!moving.has(body.params[nc + i] as Tensor)) results.set(i, args[nc + i] as Tensor);
    } else if (p >= nc + nk) results.set(i, args[p] as Tensor);
    else if (!varies.has(r)) results.set(i, broadcastAxes(r, [0], [length, ...r.shape]));
    else {
      if (!ys.includes(r)) ys.push(r);
      yOf.set(i, ys.indexOf(r));
    }
  }

  // 3. Carries that a read result needs, directly or through another carry.
  const carries = body.params
    .slice(nc, nc + nk)
    .map((p, k) => ({ p, next: inner[k] as Tensor, k }));
  const live = new Set(
    carries.filter(({ p, k }) => moving.has(p) && read.has(k)).map(({ k }) => k),
  );
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    const needed = new Set(topo([...ys, ...[...live].map((k) => inner[k] as Tensor)]));
    for (const { p, k } of carries) if (moving.has(p) && needed.has(p)) live.add(k);
  }
  const kept = carries.filter(({ k }) => live.has(k));
  const final = [...kept.map(({ next }) => next), ...ys];
  const needed = new Set(topo(final));
  const xs = body.params.slice(nc + nk).filter((p) => moving.has(p) && needed.has(p));

  const closed = closeOver({ params: [...kept.map(({ p }) => p), ...xs], results: final });
  const same =
    closed.body.params.length === body.params.length &&
    final.length === body.results.length &&
    closed.consts.every((c) => args.slice(0, nc).includes(c));
  if (same) return null;
  const out = scanNode(
    closed,
    kept.map(({ p }) => outer(p)),
    xs.map(outer),
    op,
  );
  kept.forEach(({ k }, j) => {
    if (read.has(k)) results.set(k, out.carry[j] as Tensor);
  });
  for (const [i, y] of yOf) results.set(i, out.ys[y] as Tensor);
  return { node: out.node, results };
}

/** What a tensor is at each step, if that is the same: it was broadcast over time, or is constant. */
function withoutTime(x: Tensor): Tensor | undefined {
  if (x.op.kind !== 'broadcast' || !x.op.axes.includes(0)) return undefined;
  const rest = x.op.axes.filter((a) => a > 0).map((a) => a - 1);
  return broadcastAxes(x.args[0] as Tensor, rest, x.shape.slice(1));
}

/** Replaces parameters of a body; nothing outside the body is touched. */
function substitute(
  results: readonly Tensor[],
  stands: ReadonlyMap<Tensor, Tensor>,
): readonly Tensor[] {
  return rewrite(results, (t, args) => stands.get(t) ?? withArgs(t, args));
}
