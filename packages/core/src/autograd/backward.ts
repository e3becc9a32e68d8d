/**
 * Reverse mode: graph in, graph out. One short rule per kind of node; elementwise maths derives from the scalar table.
 * Backends, cells and layers never hear of it.
 */
import { fail } from '../errors.ts';
import { dependents, topo } from '../graph/rewrite.ts';
import { describe, type Op, Tensor } from '../graph/tensor.ts';
import { isFloat } from '../ir/dtype.ts';
import { arg, type Expr, mapLeaves } from '../ir/expr.ts';
import { sizeOf } from '../ir/view.ts';
import { contract } from '../ops/contract.ts';
import {
  add,
  equal,
  full,
  iota,
  logicalNot,
  logicalOr,
  map,
  mul,
  where,
  zeros,
} from '../ops/elementwise.ts';
import { reduce } from '../ops/reduce.ts';
import { pick } from '../ops/scan.ts';
import { broadcastTo, concat, flip, reshape, slice, transpose } from '../ops/views.ts';
import { differentiate } from './differentiate.ts';
import { type Primal, scanCotangents } from './scan.ts';

/**
 * Cotangents of `targets` given those of `roots`; undefined where none flows. Walks only from roots to targets, and
 * not beyond a target.
 */
export function backward(
  roots: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
  targets: readonly Tensor[],
  primal: Primal = (t) => t,
): (Tensor | undefined)[] {
  const order = topo(roots);
  const wanted = dependents(order, targets);
  const ends = new Set(targets);
  const gathered = new Map<Tensor, Tensor>();
  const outputs = new Map<Tensor, Map<number, Tensor>>(); // scan or custom -> result index -> cotangent
  const slices = new Map<Tensor, Part[]>();
  const accumulate = (t: Tensor, g: Tensor | null | undefined): void => {
    if (!g || !wanted.has(t) || !isFloat(t.dtype)) return;
    const before = gathered.get(t);
    gathered.set(t, before ? add(before, g) : g);
  };
  roots.forEach((r, i) => {
    accumulate(r, cotangents[i]);
  });
  for (const t of order.reverse()) {
    for (const whole of joinSlices(t, slices.get(t) ?? [])) accumulate(t, whole);
    if (ends.has(t) || !wanted.has(t)) continue;
    const { op } = t;
    if (op.kind === 'scan' || op.kind === 'custom') {
      const picked = outputs.get(t);
      if (!picked) continue;
      const parts =
        op.kind === 'scan'
          ? scanCotangents(t, op, picked, primal, backward)
          : customCotangents(t, op, picked, primal);
      parts.forEach((g, i) => {
        accumulate(t.args[i] as Tensor, g);
      });
      continue;
    }
    const g = gathered.get(t);
    if (!g) continue;
    const [x] = t.args as readonly [Tensor];
    if (op.kind === 'pick') {
      const picked = outputs.get(x) ?? new Map<number, Tensor>();
      const before = picked.get(op.index);
      outputs.set(x, picked.set(op.index, before ? add(before, g) : g));
    } else if (op.kind === 'slice') {
      const parts = slices.get(x) ?? [];
      parts.push({ axis: op.axis, start: op.start, g });
      slices.set(x, parts);
    } else
      rule(t, op, g, primal).forEach((part, i) => {
        accumulate(t.args[i] as Tensor, part);
      });
  }
  return targets.map((t) => gathered.get(t));
}

interface Part {
  readonly axis: number;
  readonly start: number;
  readonly g: Tensor;
}

/** The cotangents of slices of one tensor come back as few concats, with zeros between them. */
function joinSlices(t: Tensor, parts: readonly Part[]): Tensor[] {
  const rows: Part[][] = [];
  const end = (p: Part): number => p.start + (p.g.shape[p.axis] as number);
  for (const p of [...parts].sort((a, b) => a.axis - b.axis || a.start - b.start)) {
    const row = rows.find((r) => {
      const last = r.at(-1) as Part;
      return last.axis === p.axis && end(last) <= p.start;
    });
    if (row) row.push(p);
    else rows.push([p]);
  }
  return rows.map((row) => {
    const { axis } = row[0] as Part;
    const out: Tensor[] = [];
    let at = 0;
    const fill = (to: number): void => {
      if (to > at)
        out.push(
          zeros(
            t.shape.map((n, i) => (i === axis ? to - at : n)),
            t.dtype,
          ),
        );
    };
    for (const p of row) {
      fill(p.start);
      out.push(p.g);
      at = end(p);
    }
    fill(t.shape[axis] as number);
    return concat(out, axis);
  });
}

type Simple = Exclude<Op, { kind: 'scan' | 'custom' | 'pick' | 'slice' }>;

function rule(t: Tensor, op: Simple, g: Tensor, primal: Primal): readonly (Tensor | null)[] {
  const [x, y] = t.args as readonly [Tensor, Tensor];
  switch (op.kind) {
    case 'param':
    case 'host':
    case 'value':
      return [];
    case 'map':
      return differentiate(
        op.body,
        t.args.map((a) => a.dtype),
      ).map((d) => d && applyDerivative(d, [...t.args, t], g, primal));
    case 'reduce':
      return [op.combine === 'sum' ? spread(g, x, op.axes) : firstBest(t, x, op.axes, g, primal)];
    case 'contract':
      return [
        contract(op.out, op.b, op.a, g, primal(y)),
        contract(op.a, op.out, op.b, primal(x), g),
      ];
    case 'gather': {
      const rows = x.shape[0] as number;
      return [new Tensor({ kind: 'scatter', rows }, x.shape, x.dtype, [g, primal(y)]), null];
    }
    case 'scatter':
      return [new Tensor({ kind: 'gather' }, x.shape, x.dtype, [g, primal(y)]), null];
    case 'transpose':
      return [
        transpose(
          g,
          op.perm.map((_, i) => op.perm.indexOf(i)),
        ),
      ];
    case 'broadcast':
      return [reduce('sum', g, op.axes)];
    case 'reshape':
      return [reshape(g, x.shape)];
    case 'flip':
      return [flip(g, op.axes)];
    case 'concat': {
      let start = 0;
      return t.args.map((a) => {
        const n = a.shape[op.axis] as number;
        const part = slice(g, op.axis, start, n);
        start += n;
        return part;
      });
    }
    case 'identity':
      return [op.stopsGradient ? null : g];
  }
}

/** Repeats the result of a reduction over the axes that it reduced. */
const spread = (r: Tensor, x: Tensor, axes: readonly number[]): Tensor =>
  broadcastTo(
    reshape(
      r,
      x.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
    ),
    x.shape,
  );

/**
 * Max and min: the cotangent goes to the first of equal elements, in row-major order of the reduced axes; to the first NaN
 * where there is one.
 */
function firstBest(
  t: Tensor,
  x: Tensor,
  axes: readonly number[],
  g: Tensor,
  primal: Primal,
): Tensor {
  const count = sizeOf(axes.map((a) => x.shape[a] as number));
  const order = axes.reduce<Tensor>(
    (index, a) => add(mul(index, x.shape[a] as number), iota(x.shape, a)),
    zeros(x.shape, 'int32'),
  );
  const of = primal(x);
  const hit = logicalOr(equal(of, spread(primal(t), x, axes)), logicalNot(equal(of, of)));
  const first = reduce('min', where(hit, order, full([], count, 'int32')), axes);
  return where(equal(order, spread(first, x, axes)), spread(g, x, axes), 0);
}

/** Applies a derivative, asking `primal` only for the forward values that it mentions. */
function applyDerivative(d: Expr, values: readonly Tensor[], g: Tensor, primal: Primal): Tensor {
  const used: Tensor[] = [];
  const number = new Map<number, number>();
  const body = mapLeaves(d, (leaf) => {
    if (leaf.op !== 'arg') return leaf;
    let k = number.get(leaf.index);
    if (k === undefined) {
      k = used.length;
      number.set(leaf.index, k);
      used.push(leaf.index === values.length ? g : primal(values[leaf.index] as Tensor));
    }
    return arg(k);
  });
  return body.op === 'arg' ? (used[body.index] as Tensor) : map(body, used, g.shape);
}

function customCotangents(
  t: Tensor,
  op: Extract<Op, { kind: 'custom' }>,
  picked: ReadonlyMap<number, Tensor>,
  primal: Primal,
): readonly (Tensor | null)[] {
  const n = op.rule.outputs;
  const inputs = t.args.slice(n);
  const given = t.args.slice(0, n).map((_, i) => picked.get(i) ?? null);
  // Outputs with the rule as their gradient: what reads them has the right one in its turn.
  const ys = given.map((_, i) => primal(pick(t, i)));
  const out = op.rule.vjp(inputs.map(primal), ys, given);
  if (out.length !== inputs.length)
    fail(
      'custom-gradient',
      `customGradient: "${op.rule.label}" gave ${out.length} cotangents for ${inputs.length} inputs. Give one (or null) for each.`,
    );
  out.forEach((g, i) => {
    const x = inputs[i] as Tensor;
    if (g && (`${g.shape}` !== `${x.shape}` || g.dtype !== x.dtype))
      fail(
        'custom-gradient',
        `customGradient: the cotangent of input ${i} of "${op.rule.label}" is ${describe(g)}, the input ${describe(x)}. Give it the shape and type of the input.`,
      );
  });
  return [...t.args.slice(0, n).map(() => null), ...out];
}
