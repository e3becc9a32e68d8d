/**
 * The gradient of a scan is a scan the other way. Residuals are discovered, not declared: the backward step asks for
 * a forward value, and only then does a forward scan stack it.
 */
import { dependents, mapArgs, topo } from '../graph/rewrite.ts';
import { isHeavy, param, type ScanOp, Tensor } from '../graph/tensor.ts';
import { isFloat } from '../ir/dtype.ts';
import { isCostly } from '../ir/scalar.ts';
import { add, zeros, zerosLike } from '../ops/elementwise.ts';
import { reduce } from '../ops/reduce.ts';
import { closeOver, pick, scanNode } from '../ops/scan.ts';

/** How a rule reads a forward value: the identity, except inside a scan, where it becomes a residual. */
export type Primal = (t: Tensor) => Tensor;

/** Reverse mode on the step's own graph. Handed in, because it and this rule call each other. */
export type Backward = (
  roots: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
  targets: readonly Tensor[],
  primal: Primal,
) => (Tensor | undefined)[];

/** Which values of a step are worth saving: what is dear to compute again. All else is rebuilt from those. */
const isSaved = (t: Tensor): boolean =>
  isHeavy(t) || t.op.kind === 'pick' || (t.op.kind === 'map' && isCostly(t.op.body));

/**
 * Cotangents of a scan's consts, initial carry and xs, given those of its results by index. The forward scan is left
 * as it is: a second one with the same body and more results is made, and `simplify` makes one of the two.
 */
export function scanCotangents(
  t: Tensor,
  op: ScanOp,
  picked: ReadonlyMap<number, Tensor>,
  outer: Primal,
  backward: Backward,
): (Tensor | null)[] {
  const { body, counts, length } = op;
  const { consts: nc, carry: nk } = counts;
  const consts = body.params.slice(0, nc);
  const carry = body.params.slice(nc, nc + nk);
  const xs = body.params.slice(nc + nk);

  // The backward step: given cotangents of the next carry and of ys, those of the carry, the x and the consts.
  const flows = carry.map((c) => isFloat(c.dtype));
  const gCarry = carry.map((c) => param(c.shape, c.dtype, `d_${c.label}`));
  const gYs = new Map<number, Tensor>();
  for (const i of picked.keys())
    if (i >= nk) {
      const r = body.results[i] as Tensor;
      gYs.set(i, param(r.shape, r.dtype, `d_${r.label}`));
    }
  const residuals = new Residuals(op, (i) => outer(t.args[i] as Tensor), outer);
  const given = body.results.map((_, i) =>
    i < nk ? (flows[i] ? (gCarry[i] as Tensor) : null) : (gYs.get(i) ?? null),
  );
  const found = backward(body.results, given, [...carry, ...xs, ...consts], residuals.primal);
  const live = carry.flatMap((_, i) => (flows[i] ? [i] : []));
  const gNext = live.map((i) => found[i] ?? zerosLike(carry[i] as Tensor));
  const gX = xs.map((_, i) => found[nk + i]);
  const gConst = consts.map((_, i) => found[nk + xs.length + i]);

  // Across checkpointed segments the consts' cotangents add up in the carry: stacking them would cost what
  // checkpointing saves. Otherwise they are stacked, and fission makes one product of the sum over time.
  const totals = gConst.map((g, i) =>
    op.checkpoint && g ? param(g.shape, g.dtype, `total_${(consts[i] as Tensor).label}`) : null,
  );
  const summed = totals.flatMap((total, i) => (total ? [add(total, gConst[i] as Tensor)] : []));
  const stacked = [...gX, ...(op.checkpoint ? [] : gConst)].filter((g) => g !== undefined);

  const saved = residuals.stacked(t);
  const gy = [...gYs].map(([i, p]) => [p, picked.get(i) as Tensor] as const);
  const scanned = [...saved, ...gy];
  const carried = [...live.map((i) => gCarry[i] as Tensor), ...totals.filter((p) => p !== null)];
  const init = [
    ...live.map(
      (i) => picked.get(i) ?? zeros((carry[i] as Tensor).shape, (carry[i] as Tensor).dtype),
    ),
    ...totals.flatMap((p) => (p ? [zerosLike(p)] : [])),
  ];
  const closed = closeOver({
    params: [...carried, ...scanned.map(([p]) => p)],
    results: [...gNext, ...summed, ...stacked],
  });
  const out = scanNode(
    closed,
    init,
    scanned.map(([, v]) => v),
    {
      label: `d_${op.label}`,
      length,
      reverse: !op.reverse,
      checkpoint: op.checkpoint,
    },
  );

  const gInit: (Tensor | null)[] = carry.map(() => null);
  live.forEach((i, k) => {
    gInit[i] = out.carry[k] as Tensor;
  });
  const lastTotals = out.carry.slice(live.length);
  const ys = [...out.ys];
  const dX = gX.map((g) => (g ? (ys.shift() as Tensor) : null));
  const dConst = gConst.map((g) => {
    if (!g) return null;
    return op.checkpoint
      ? (lastTotals.shift() as Tensor)
      : reduce('sum', ys.shift() as Tensor, [0]);
  });
  return [...dConst, ...gInit, ...dX];
}

/** Forward values as the backward step sees them. */
class Residuals {
  readonly primal: Primal;
  readonly #op: ScanOp;
  readonly #outer: Primal;
  readonly #asked = new Map<Tensor, Tensor>(); // forward value -> parameter of the backward body
  readonly #memo = new Map<Tensor, Tensor>();

  constructor(op: ScanOp, constOutside: (index: number) => Tensor, outer: Primal) {
    this.#op = op;
    this.#outer = outer;
    const { params, results } = op.body;
    const consts = new Map(params.slice(0, op.counts.consts).map((p, i) => [p, i]));
    const order = topo(results);
    const varying = dependents(order, params.slice(op.counts.consts));
    // Of what comes from something dear, only the part that is asked for.
    const dear = dependents(order, order.filter(isHeavy));
    const saves = (v: Tensor): boolean => isSaved(v) || (v.op.kind === 'slice' && dear.has(v));
    const leaf = (v: Tensor): Tensor | undefined => {
      const index = consts.get(v);
      if (index !== undefined) return constOutside(index);
      const saved = v.op.kind === 'param' || (!op.checkpoint && varying.has(v) && saves(v));
      return saved ? this.#save(v) : undefined;
    };
    const found = (v: Tensor): Tensor => this.#memo.get(v) as Tensor;
    // Not by recursion: a step may have more operations in a row than a stack has frames.
    const primal = (asked: Tensor): Tensor => {
      const open = [asked];
      for (let v = open.at(-1); v; v = open.at(-1)) {
        const known = this.#memo.get(v) ?? leaf(v);
        const missing = known ? undefined : v.args.find((a) => !this.#memo.has(a));
        if (missing) open.push(missing);
        else {
          this.#memo.set(v, known ?? mapArgs(v, found));
          open.pop();
        }
      }
      return found(asked);
    };
    this.primal = primal;
  }

  #save(v: Tensor): Tensor {
    const p = param(v.shape, v.dtype, v.label);
    this.#asked.set(v, p);
    return p;
  }

  /** What was asked for, as scanned inputs: xs as they are, the rest stacked by a forward scan `t` with more results. */
  stacked(t: Tensor): (readonly [Tensor, Tensor])[] {
    const { body, counts } = this.#op;
    const first = counts.consts + counts.carry;
    const fresh = [...this.#asked.keys()].filter((v) => body.params.indexOf(v) < first);
    const results = [...body.results, ...fresh];
    const node = new Tensor(
      { ...this.#op, body: { params: body.params, results } },
      t.shape,
      t.dtype,
      t.args,
      t.label,
    );
    return [...this.#asked].map(([v, p]) => {
      const x = body.params.indexOf(v);
      if (x >= first) return [p, this.#outer(t.args[x] as Tensor)] as const;
      return [p, this.#outer(pick(node, body.results.length + fresh.indexOf(v)))] as const;
    });
  }
}
