/**
 * An oracle for the passes: evaluates a graph node by node in float64, in the plainest way, with no views, no fusion,
 * no program. Slow and independent of everything between the graph and the backend.
 */
import { topo } from '../src/graph/rewrite.ts';
import type { ScanOp, Tensor } from '../src/graph/tensor.ts';
import { evalExpr } from '../src/ir/scalar.ts';
import { sizeOf } from '../src/ir/view.ts';

/** Row-major elements. */
export type Values = readonly number[];

const indices = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, n) => all.flatMap((i) => Array.from({ length: n }, (_, k) => [...i, k])),
    [[]],
  );

const flat = (index: readonly number[], shape: readonly number[]): number =>
  index.reduce((at, i, axis) => at * (shape[axis] as number) + i, 0);

/** The values of `roots`, given those of parameters. */
export function evaluate(roots: readonly Tensor[], given: ReadonlyMap<Tensor, Values>): Values[] {
  const known = new Map<Tensor, Values>(given);
  const scans = new Map<Tensor, Values[]>();
  for (const t of topo(roots)) {
    if (known.has(t)) continue;
    if (t.op.kind === 'scan')
      scans.set(
        t,
        runScan(
          t.op,
          t.args.map((a) => known.get(a) as Values),
        ),
      );
    else if (t.op.kind !== 'custom') known.set(t, evaluateNode(t, known, scans));
  }
  return roots.map((r) => known.get(r) as Values);
}

function evaluateNode(
  t: Tensor,
  known: ReadonlyMap<Tensor, Values>,
  scans: ReadonlyMap<Tensor, Values[]>,
): Values {
  const { op } = t;
  const read = (k: number, index: readonly number[]): number => {
    const a = t.args[k] as Tensor;
    return (known.get(a) as Values)[flat(index, a.shape)] as number;
  };
  const each = (f: (index: number[]) => number): number[] => indices(t.shape).map(f);
  const [x, y] = t.args as readonly [Tensor, Tensor];
  switch (op.kind) {
    case 'host':
      return [...op.data];
    case 'map':
      return each((index) =>
        evalExpr(op.body, {
          args: t.args.map((_, k) => read(k, index)),
          types: t.args.map((a) => a.dtype),
          index,
        }),
      );
    case 'reduce':
      return each((index) => {
        const rest = [...index];
        const base = x.shape.map((_, i) => (op.axes.includes(i) ? 0 : (rest.shift() as number)));
        const over = indices(op.axes.map((a) => x.shape[a] as number)).map((j) =>
          read(
            0,
            base.map((b, i) => (op.axes.includes(i) ? (j[op.axes.indexOf(i)] as number) : b)),
          ),
        );
        if (op.combine === 'sum') return over.reduce((a, b) => a + b, 0);
        return op.combine === 'max' ? Math.max(...over) : Math.min(...over);
      });
    case 'contract': {
      const letters = [...new Set(op.a + op.b)];
      const over = letters.filter((c) => !op.out.includes(c));
      const size = (c: string): number =>
        (op.a.includes(c) ? x.shape[op.a.indexOf(c)] : y.shape[op.b.indexOf(c)]) as number;
      return each((index) =>
        indices(over.map(size)).reduce((total, j) => {
          const at = (c: string): number =>
            (op.out.includes(c) ? index[op.out.indexOf(c)] : j[over.indexOf(c)]) as number;
          return total + read(0, [...op.a].map(at)) * read(1, [...op.b].map(at));
        }, 0),
      );
    }
    case 'gather':
      return each(([i = 0, d = 0]) => {
        const row = read(1, [i]);
        return row >= 0 && row < (x.shape[0] as number) ? read(0, [row, d]) : 0;
      });
    case 'scatter': {
      const out: number[] = new Array(sizeOf(t.shape)).fill(0);
      for (const [i = 0, d = 0] of indices(x.shape)) {
        const row = read(1, [i]);
        if (row >= 0 && row < op.rows) {
          const at = flat([row, d], t.shape);
          out[at] = (out[at] as number) + read(0, [i, d]);
        }
      }
      return out;
    }
    case 'transpose':
      return each((index) =>
        read(
          0,
          op.perm.map((_, i) => index[op.perm.indexOf(i)] as number),
        ),
      );
    case 'broadcast':
      return each((index) =>
        read(
          0,
          index.filter((_, i) => !op.axes.includes(i)),
        ),
      );
    case 'reshape':
    case 'identity':
      return known.get(x) as Values;
    case 'slice':
      return each((index) =>
        read(
          0,
          index.map((i, a) => (a === op.axis ? i + op.start : i)),
        ),
      );
    case 'flip':
      return each((index) =>
        read(
          0,
          index.map((i, a) => (op.axes.includes(a) ? (t.shape[a] as number) - 1 - i : i)),
        ),
      );
    case 'concat':
      return each((index) => {
        let at = index[op.axis] as number;
        for (const [k, part] of t.args.entries()) {
          const n = part.shape[op.axis] as number;
          if (at < n)
            return read(
              k,
              index.map((i, a) => (a === op.axis ? at : i)),
            );
          at -= n;
        }
        return Number.NaN;
      });
    case 'pick':
      return x.op.kind === 'custom'
        ? (known.get(x.args[op.index] as Tensor) as Values)
        : ((scans.get(x) as Values[])[op.index] as Values);
    default:
      throw new TypeError(`eager: no value for ${op.kind} "${t.label}"`);
  }
}

function runScan(op: ScanOp, args: readonly Values[]): Values[] {
  const { body, counts, length } = op;
  const { consts: nc, carry: nk } = counts;
  let carry = args.slice(nc, nc + nk);
  const ys: number[][][] = body.results.slice(nk).map(() => []);
  for (let s = 0; s < length; s++) {
    const t = op.reverse ? length - 1 - s : s;
    const given = new Map<Tensor, Values>();
    body.params.forEach((p, i) => {
      const n = sizeOf(p.shape);
      const value = i < nc || i >= nc + nk ? (args[i] as Values) : (carry[i - nc] as Values);
      given.set(p, i < nc + nk ? value : value.slice(t * n, (t + 1) * n));
    });
    const out = evaluate(body.results, given);
    carry = out.slice(0, nk);
    out.slice(nk).forEach((y, i) => {
      (ys[i] as number[][])[t] = [...y];
    });
  }
  return [...carry, ...ys.map((y) => y.flat())];
}
