/**
 * What gradients of scans look like before they are made small: several loops over one body, and sums over time. Loaded
 * for graphs that have such. Knows each kind of node; knows no derivative.
 */
import { rewrite, topo, withArgs } from '../graph/rewrite.ts';
import { type ScanOp, Tensor } from '../graph/tensor.ts';
import { contract } from '../ops/contract.ts';
import { add } from '../ops/elementwise.ts';
import { reduce } from '../ops/reduce.ts';
import { pick } from '../ops/scan.ts';
import { concat, reshape } from '../ops/views.ts';
import { freshLetter, type Lift, type Outside, stackedValue } from './lift.ts';

/**
 * The gradient of a scan asks for more results by making a second scan with the same parameters and the same
 * arguments. Such scans become one.
 */
export function mergeScans(roots: readonly Tensor[]): readonly Tensor[] {
  const order = topo(roots);
  const groups = new Map<string, Tensor[]>();
  const bodies = new Map<readonly Tensor[], number>(); // parameter list -> number
  for (const t of order) {
    if (t.op.kind !== 'scan') continue;
    const { params } = t.op.body;
    const number = bodies.get(params) ?? bodies.size;
    bodies.set(params, number);
    const key = `${number}|${t.args.map((a) => a.id)}|${t.op.length}|${t.op.reverse}`;
    groups.set(key, [...(groups.get(key) ?? []), t]);
  }
  if ([...groups.values()].every((group) => group.length === 1)) return roots;
  const groupOf = new Map<Tensor, Tensor[]>();
  for (const group of groups.values()) for (const t of group) groupOf.set(t, group);
  const merged = new Map<Tensor[], { node: Tensor; results: Tensor[] }>();
  return rewrite(
    roots,
    (t, args) => {
      const group = groupOf.get(t);
      if (group) {
        let m = merged.get(group);
        if (!m) {
          m = mergeGroup(group, args);
          merged.set(group, m);
        }
        return m.node;
      }
      if (t.op.kind === 'pick') {
        const source = t.args[0] as Tensor;
        const from = groupOf.get(source);
        if (from) {
          const { node, results } = merged.get(from) as { node: Tensor; results: Tensor[] };
          const op = source.op as ScanOp;
          const nk = op.counts.carry;
          const result = op.body.results[t.op.index] as Tensor;
          // The carry keeps its places; a y is found by what it is.
          const index = t.op.index < nk ? t.op.index : nk + results.slice(nk).indexOf(result);
          return pick(node, index);
        }
      }
      return withArgs(t, args);
    },
    order,
  );
}

function mergeGroup(
  group: readonly Tensor[],
  args: readonly Tensor[],
): { node: Tensor; results: Tensor[] } {
  const [first] = group as readonly [Tensor];
  const op = first.op as ScanOp;
  const nk = op.counts.carry;
  const ys = new Set<Tensor>();
  for (const t of group) for (const y of (t.op as ScanOp).body.results.slice(nk)) ys.add(y);
  const results = [...op.body.results.slice(0, nk), ...ys];
  const body = { params: op.body.params, results };
  const node = new Tensor({ ...op, body }, first.shape, first.dtype, args, first.label);
  return { node, results };
}

/** A node of a loop's body, summed over time. */
export type LiftSum = (
  t: Tensor,
  over: { readonly length: number; readonly outside: Outside; readonly lift: Lift },
) => Tensor;

export const liftSum: LiftSum = (node, { length, outside, lift }) => {
  const stacked = (t: Tensor): Tensor => stackedValue(lift(t), length);
  const sum = (t: Tensor): Tensor => {
    if (outside(t)) return reduce('sum', stacked(t), [0]);
    const { op } = t;
    const [x, y] = t.args as readonly [Tensor, Tensor];
    switch (op.kind) {
      case 'contract': {
        const [a, b] = [lift(x), lift(y)];
        const time = freshLetter(op.a + op.b + op.out);
        // Where one side does not move, time is summed on the other side alone, before the product.
        if (!a.timed) return contract(op.a, op.b, op.out, a.value, sum(y));
        if (!b.timed) return contract(op.a, op.b, op.out, sum(x), b.value);
        return contract(time + op.a, time + op.b, op.out, a.value, b.value);
      }
      case 'reduce':
        if (op.combine !== 'sum') break;
        return reduce('sum', stacked(x), [0, ...op.axes.map((a) => a + 1)]);
      case 'scatter': {
        const d = t.shape[1] as number;
        const n = y.size;
        const rows = reshape(stacked(x), [length * n, d]);
        const index = reshape(stacked(y), [length * n]);
        return new Tensor(op, t.shape, t.dtype, [rows, index], t.label);
      }
      case 'transpose':
      case 'reshape':
      case 'flip':
      case 'slice':
      case 'broadcast':
        return new Tensor(op, t.shape, t.dtype, [sum(x)], t.label);
      case 'concat':
        return concat(t.args.map(sum), op.axis);
      case 'map':
        if (
          op.body.op === 'add' &&
          op.body.args.every((e) => e.op === 'arg') &&
          t.args.length === 2
        )
          return add(sum(x), sum(y));
    }
    return reduce('sum', stacked(t), [0]);
  };
  return sum(node);
};
