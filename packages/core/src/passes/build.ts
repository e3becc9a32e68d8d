/**
 * Making nodes in normal form: constants folded, views composed and pushed towards inputs, equal nodes shared. Knows
 * one node and its arguments; who uses it is not known here.
 */
import { constantOf, isView, type Op, Tensor } from '../graph/tensor.ts';
import {
  apply,
  arg,
  axisIndex,
  constant,
  type Expr,
  exprNumbering,
  exprOrder,
  mapLeaves,
} from '../ir/expr.ts';
import { evalScalar, isCostly } from '../ir/scalar.ts';
import { denseStrides, reshapeStrides, type Shape, sameShape, sizeOf } from '../ir/view.ts';
import { type Place, view } from './place.ts';
import { simplifyExpr } from './simplify-expr.ts';

/** Gives the node that stands for one whose arguments are in normal form. */
export type Build = (
  t: Tensor,
  /** Allows moving a view above costly maths, which its other users then compute again. */
  eager?: boolean,
) => Tensor;

type ViewOp = Extract<Op, { kind: 'transpose' | 'broadcast' | 'reshape' | 'slice' | 'flip' }>;
type MapOp = Extract<Op, { kind: 'map' }>;

/** Maps whose bodies are in normal form, as long as no argument is a constant or stands there twice: most, from then on. */
const normal = new WeakSet<MapOp>();

/**
 * Makes nodes; shares equal ones for as long as it lives. At most `sinks` times a view of a map becomes a map of views:
 * each may be one more version of a map, and of those that it reads, so that without end a graph could grow by a factor
 * per layer.
 */
export function builder(sinks: number): Build {
  let left = sinks;
  /** How many views are sinking through one another: those of any depth would overflow the stack. */
  let depth = 0;
  const table = new Map<string, Tensor>();
  /** Views of maps: a map that is read along many paths is seen once, not once per path. */
  const sunk = new Map<string, Tensor>();
  const exprNumber = exprNumbering();

  function share(t: Tensor): Tensor {
    const { op, shape, dtype, args } = t;
    const text = op.kind === 'map' ? `map ${exprNumber(op.body)}` : JSON.stringify(op);
    const key = `${text}|${shape}|${dtype}|${args.map((a) => a.id)}`;
    const known = table.get(key) ?? t;
    table.set(key, known);
    return known;
  }

  function full(body: Expr, { shape, dtype }: Pick<Tensor, 'shape' | 'dtype'>): Tensor {
    const scalar = share(new Tensor({ kind: 'map', body }, [], dtype, [], 'constant'));
    const op: Op = { kind: 'broadcast', axes: [...shape.keys()] };
    return shape.length === 0 ? scalar : share(new Tensor(op, shape, dtype, [scalar], 'constant'));
  }

  /** Constants move into the expression, equal arguments become one, unused ones go. */
  function buildMap({ shape, dtype, args, label }: Tensor, body: Expr): Tensor {
    const types = args.map((a) => a.dtype);
    const kept: Tensor[] = [];
    const renumbered = mapLeaves(simplifyExpr(body, types, args.map(constantOf)), (leaf) => {
      if (leaf.op !== 'arg') return leaf;
      const a = args[leaf.index] as Tensor;
      const known = kept.indexOf(a);
      const k = known < 0 ? kept.push(a) - 1 : known;
      return k === leaf.index ? leaf : arg(k); // the same leaf keeps the whole expression
    });
    if (renumbered.op === 'arg') return kept[renumbered.index] as Tensor;
    if (renumbered.op === 'const') return full(renumbered, { shape, dtype });
    const made: MapOp = { kind: 'map', body: renumbered };
    normal.add(made);
    return share(new Tensor(made, shape, dtype, kept, label));
  }

  function buildReduce(t: Tensor, op: Extract<Op, { kind: 'reduce' }>, x: Tensor): Tensor {
    const { shape, dtype } = t;
    const value = constantOf(x)?.value;
    if (value !== undefined) {
      const count = sizeOf(op.axes.map((a) => x.shape[a] as number));
      const total = op.combine === 'sum' ? evalScalar('mul', dtype, [value, count]) : value;
      return full({ op: 'const', dtype, value: total, fromSize: true }, t);
    }
    if (x.op.kind === 'reduce' && x.op.combine === op.combine) {
      const source = x.args[0] as Tensor;
      const axes = outside(op.axes, x.op.axes, source.shape);
      return share(new Tensor({ ...op, axes }, shape, dtype, [source], t.label));
    }
    if (op.axes.every((a) => x.shape[a] === 1)) return buildView({ kind: 'reshape' }, shape, x);
    return share(t);
  }

  function buildView(op: ViewOp, shape: Shape, x: Tensor, eager = false): Tensor {
    if (op.kind === 'reshape' && sameShape(shape, x.shape)) return x;
    const value = constantOf(x);
    if (value) return full(value, { shape, dtype: x.dtype });
    const seen: See = (next, of, as = shape) => buildView(next, as, of, eager);
    const composed = compose(op, shape, x, seen);
    if (composed) return composed;
    if (x.op.kind !== 'map' || left <= 0 || depth > 99 || !maySink(op, shape, x, x.op, eager))
      return share(new Tensor(op, shape, x.dtype, [x], x.label));
    const key = `${JSON.stringify(op)}|${shape}|${eager}|${x.id}`;
    const known = sunk.get(key);
    if (known) return known;
    left--;
    depth++;
    const args = x.args.map((a) => seen(op, a));
    depth--;
    const body = moveAxes(x.op.body, op, x.shape);
    const made = buildMap(new Tensor(x.op, shape, x.dtype, args, x.label), body);
    sunk.set(key, made);
    return made;
  }

  return (t, eager) => {
    const { op } = t;
    const x = t.args[0] as Tensor;
    switch (op.kind) {
      case 'identity':
        return x;
      case 'map':
        return normal.has(op) && t.args.every((a, i) => !constantOf(a) && t.args.indexOf(a) === i)
          ? share(t)
          : buildMap(t, op.body);
      case 'reduce':
        return buildReduce(t, op, x);
      case 'transpose':
      case 'broadcast':
      case 'reshape':
      case 'slice':
      case 'flip':
        return buildView(op, t.shape, x, eager);
      case 'concat':
        return t.args.length === 1 ? x : share(t);
      default:
        return share(t);
    }
  };
}

type See = (op: ViewOp, of: Tensor, as?: Shape) => Tensor;

const ascending = (axes: readonly number[]): number[] => [...axes].sort((a, b) => a - b);

/** Axes of a tensor of this shape: those of `inner`, and those that `axes` are among the others. */
function outside(axes: readonly number[], inner: readonly number[], shape: Shape): number[] {
  const others = [...shape.keys()].filter((i) => !inner.includes(i));
  return ascending([...inner, ...axes.map((a) => others[a] as number)]);
}

/** Two views in a row that are one, or a slice that moves inwards. */
function compose(op: ViewOp, shape: Shape, x: Tensor, seen: See): Tensor | undefined {
  const source = x.args[0] as Tensor;
  const inner = x.op;
  if (op.kind === 'slice') return composeSlice(op, shape, x, seen);
  if (op.kind === 'reshape' && inner.kind === 'reshape') return seen(op, source);
  if (op.kind === 'broadcast' && inner.kind === 'broadcast')
    return seen({ kind: 'broadcast', axes: outside(inner.axes, op.axes, shape) }, source);
  if (op.kind === 'transpose') {
    if (op.perm.every((a, i) => a === i)) return x;
    if (inner.kind === 'transpose')
      return seen({ kind: 'transpose', perm: op.perm.map((a) => inner.perm[a] as number) }, source);
  }
  if (op.kind === 'flip' && inner.kind === 'flip') {
    const once = [...op.axes, ...inner.axes].filter(
      (a) => op.axes.includes(a) !== inner.axes.includes(a),
    );
    return once.length === 0 ? source : seen({ kind: 'flip', axes: ascending(once) }, source);
  }
  return undefined;
}

function composeSlice(
  op: Extract<ViewOp, { kind: 'slice' }>,
  shape: Shape,
  x: Tensor,
  seen: See,
): Tensor | undefined {
  const source = x.args[0] as Tensor;
  const inner = x.op;
  const count = shape[op.axis] as number;
  if (count === x.shape[op.axis]) return x;
  if (inner.kind === 'slice' && inner.axis === op.axis)
    return seen({ ...op, start: op.start + inner.start }, source);
  if (inner.kind === 'broadcast' && inner.axes.includes(op.axis)) return seen(inner, source);
  if (inner.kind === 'broadcast' || inner.kind === 'transpose') {
    const axis =
      inner.kind === 'transpose'
        ? (inner.perm[op.axis] as number)
        : op.axis - inner.axes.filter((a) => a < op.axis).length;
    return seen(inner, seen({ ...op, axis }, source, source.shape.with(axis, count)));
  }
  if (inner.kind === 'concat' && inner.axis === op.axis) {
    let start = 0;
    for (const part of x.args) {
      const n = part.shape[op.axis] as number;
      if (op.start >= start && op.start + count <= start + n)
        return seen({ ...op, start: op.start - start }, part);
      start += n;
    }
  }
  return undefined;
}

/** Whether a view of a map may become a map of views. */
function maySink(op: ViewOp, shape: Shape, x: Tensor, map: MapOp, eager: boolean): boolean {
  if (op.kind === 'broadcast') {
    // A scalar costs one more loop of one element; divided or rooted anew for each element, it made a step of Adam
    // on 640,000 parameters half as slow again (46 instead of 30 ms in plain JavaScript).
    if (x.size === 1 && dividesOrRoots(map.body)) return false;
    return !isCostly(map.body) && !usesAxis(map.body);
  }
  if (!eager && op.kind !== 'slice' && isCostly(map.body)) return false;
  if (op.kind !== 'reshape') return true;
  return !usesAxis(map.body) && x.args.every((a) => reshapesFree(a, shape));
}

const usesAxis = (body: Expr): boolean => exprOrder([body]).some((x) => x.op === 'axis');

const dividesOrRoots = (body: Expr): boolean =>
  exprOrder([body]).some((x) => x.op === 'div' || x.op === 'rem' || x.op === 'sqrt');

/** Whether a reshape of `x` needs no copy. */
function reshapesFree(x: Tensor, shape: Shape): boolean {
  if (x.op.kind === 'map') return true; // sinks further, or is stored densely
  const place = placeOf(x);
  return place !== null && reshapeStrides(x.shape, place.strides, shape) !== null;
}

/** The window of a chain of views on a dense base; null where the chain itself needs a copy. */
function placeOf(x: Tensor): Place | null {
  if (!isView(x)) return { slot: 0, offset: 0, strides: denseStrides(x.shape) };
  const source = placeOf(x.args[0] as Tensor);
  return source && view(x, source);
}

/** A map's own indices, seen through a view that moved above it. */
function moveAxes(body: Expr, op: ViewOp, before: Shape): Expr {
  return mapLeaves(body, (leaf) => {
    if (leaf.op !== 'axis') return leaf;
    const a = leaf.axis;
    switch (op.kind) {
      case 'transpose':
        return axisIndex(op.perm.indexOf(a));
      case 'slice':
        return a === op.axis && op.start > 0
          ? apply('add', leaf, constant(op.start, 'int32'))
          : leaf;
      case 'flip':
        return op.axes.includes(a)
          ? apply('sub', constant((before[a] as number) - 1, 'int32'), leaf)
          : leaf;
      default:
        return leaf;
    }
  });
}
