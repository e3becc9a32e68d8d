/**
 * Making nodes in normal form: constants folded, views composed and pushed towards inputs, equal nodes shared. Knows
 * one node and its arguments; who uses it is not known here.
 */
import { constantOf, isView, type Op, Tensor } from '../graph/tensor.ts';
import type { DType } from '../ir/dtype.ts';
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
import { isCostly } from '../ir/scalar.ts';
import { denseStrides, reshapeStrides, type Shape, sameShape, sizeOf } from '../ir/view.ts';
import { type Place, view } from './place.ts';
import { simplifyExpr } from './simplify-expr.ts';

export interface Builder {
  /** `eager` allows moving a view above costly maths, which its other users then compute again. */
  build(
    op: Op,
    shape: Shape,
    dtype: DType,
    args: readonly Tensor[],
    label: string,
    eager?: boolean,
  ): Tensor;
}

type ViewOp = Extract<Op, { kind: 'transpose' | 'broadcast' | 'reshape' | 'slice' | 'flip' }>;
type MapOp = Extract<Op, { kind: 'map' }>;

const usesAxis = (x: Expr): boolean => exprOrder([x]).some((n) => n.op === 'axis');

/** A function that makes nodes; it shares equal ones for as long as it lives. */
export function builder(): Builder {
  const table = new Map<string, Tensor>();
  const exprNumber = exprNumbering();

  const textOf = (op: Op): string | null => {
    if (op.kind === 'map') return `map ${exprNumber(op.body)}`;
    if (['param', 'host', 'value', 'scan', 'custom'].includes(op.kind)) return null;
    return JSON.stringify(op);
  };
  const share = (
    op: Op,
    shape: Shape,
    dtype: DType,
    args: readonly Tensor[],
    label: string,
  ): Tensor => {
    const text = textOf(op);
    if (text === null) return new Tensor(op, shape, dtype, args, label);
    const key = `${text}|${shape}|${dtype}|${args.map((a) => a.id)}`;
    const known = table.get(key);
    if (known) return known;
    const made = new Tensor(op, shape, dtype, args, label);
    table.set(key, made);
    return made;
  };

  const full = (value: Expr, shape: Shape, dtype: DType): Tensor => {
    const scalar = share({ kind: 'map', body: value }, [], dtype, [], 'constant');
    return shape.length === 0
      ? scalar
      : share(
          { kind: 'broadcast', axes: shape.map((_, i) => i) },
          shape,
          dtype,
          [scalar],
          'constant',
        );
  };

  function build(
    op: Op,
    shape: Shape,
    dtype: DType,
    args: readonly Tensor[],
    label: string,
    eager = false,
  ): Tensor {
    const [x] = args as readonly [Tensor];
    switch (op.kind) {
      case 'identity':
        return x;
      case 'map':
        return buildMap(op, shape, dtype, args, label);
      case 'reduce':
        return buildReduce(op, shape, dtype, x, label);
      case 'transpose':
      case 'broadcast':
      case 'reshape':
      case 'slice':
      case 'flip':
        return buildView(op, shape, x, label, eager);
      case 'concat':
        if (args.length === 1) return x;
        return share(op, shape, dtype, args, label);
      default:
        return share(op, shape, dtype, args, label);
    }
  }

  function buildMap(
    op: MapOp,
    shape: Shape,
    dtype: DType,
    args: readonly Tensor[],
    label: string,
  ): Tensor {
    // Constants move into the expression, equal arguments become one, unused ones go.
    const values = args.map(constantOf);
    const types = args.map((a) => a.dtype);
    const body = simplifyExpr(op.body, types, values);
    const kept: Tensor[] = [];
    const renumbered = mapLeaves(body, (leaf) => {
      if (leaf.op !== 'arg') return leaf;
      const a = args[leaf.index] as Tensor;
      let k = kept.indexOf(a);
      if (k < 0) k = kept.push(a) - 1;
      return arg(k);
    });
    if (renumbered.op === 'arg') return kept[renumbered.index] as Tensor;
    if (renumbered.op === 'const') return full(renumbered, shape, dtype);
    return share({ kind: 'map', body: renumbered }, shape, dtype, kept, label);
  }

  function buildReduce(
    op: Extract<Op, { kind: 'reduce' }>,
    shape: Shape,
    dtype: DType,
    x: Tensor,
    label: string,
  ): Tensor {
    const value = constantOf(x)?.value;
    if (value !== undefined) {
      const count = sizeOf(op.axes.map((a) => x.shape[a] as number));
      const total = op.combine === 'sum' ? value * count : value;
      return full({ op: 'const', dtype, value: total, fromSize: true }, shape, dtype);
    }
    if (x.op.kind === 'reduce' && x.op.combine === op.combine) {
      const inner = x.op.axes;
      const [source] = x.args as readonly [Tensor];
      const kept = source.shape.map((_, i) => i).filter((i) => !inner.includes(i));
      const axes = [...inner, ...op.axes.map((a) => kept[a] as number)].sort((a, b) => a - b);
      return share({ ...op, axes }, shape, dtype, [source], label);
    }
    if (op.axes.every((a) => x.shape[a] === 1))
      return buildView({ kind: 'reshape' }, shape, x, label, false);
    return share(op, shape, dtype, [x], label);
  }

  function buildView(op: ViewOp, shape: Shape, x: Tensor, label: string, eager: boolean): Tensor {
    if (op.kind === 'reshape' && sameShape(shape, x.shape)) return x;
    const value = constantOf(x);
    if (value) return full(value, shape, x.dtype);
    const composed = compose(op, shape, x, label, eager);
    if (composed) return composed;
    if (x.op.kind === 'map' && maySink(op, shape, x, x.op, eager)) {
      const body = moveAxes(x.op.body, op, x.shape);
      const args = x.args.map((a) => buildView(op, shape, a, label, eager));
      return buildMap({ kind: 'map', body }, shape, x.dtype, args, x.label);
    }
    return share(op, shape, x.dtype, [x], x.label);
  }

  /** Two views in a row that are one, or a slice of a concat that is a part of it. */
  function compose(
    op: ViewOp,
    shape: Shape,
    x: Tensor,
    label: string,
    eager: boolean,
  ): Tensor | undefined {
    const [source] = x.args as readonly [Tensor];
    const inner = x.op;
    const seen = (next: ViewOp, of: Tensor, as: Shape = shape): Tensor =>
      buildView(next, as, of, label, eager);
    switch (op.kind) {
      case 'transpose':
        if (op.perm.every((a, i) => a === i)) return x;
        if (inner.kind === 'transpose')
          return seen(
            { kind: 'transpose', perm: op.perm.map((a) => inner.perm[a] as number) },
            source,
          );
        return undefined;
      case 'reshape':
        return inner.kind === 'reshape' ? seen(op, source) : undefined;
      case 'flip':
        if (inner.kind !== 'flip') return undefined;
        return flipped(source, [...op.axes, ...inner.axes], seen);
      case 'broadcast': {
        if (inner.kind !== 'broadcast') return undefined;
        const old = shape.map((_, i) => i).filter((i) => !op.axes.includes(i));
        const axes = [...op.axes, ...inner.axes.map((a) => old[a] as number)].sort((a, b) => a - b);
        return seen({ kind: 'broadcast', axes }, source);
      }
      case 'slice':
        return composeSlice(op, shape, x, seen);
    }
  }

  const flipped = (
    source: Tensor,
    axes: readonly number[],
    seen: (op: ViewOp, of: Tensor) => Tensor,
  ): Tensor => {
    const odd = [...new Set(axes)].filter((a) => axes.filter((b) => b === a).length % 2 === 1);
    return odd.length === 0
      ? source
      : seen({ kind: 'flip', axes: odd.sort((a, b) => a - b) }, source);
  };

  function composeSlice(
    op: Extract<ViewOp, { kind: 'slice' }>,
    shape: Shape,
    x: Tensor,
    seen: (op: ViewOp, of: Tensor, as?: Shape) => Tensor,
  ): Tensor | undefined {
    const [source] = x.args as readonly [Tensor];
    const inner = x.op;
    const count = shape[op.axis] as number;
    if (count === x.shape[op.axis]) return x;
    if (inner.kind === 'slice' && inner.axis === op.axis)
      return seen({ ...op, start: op.start + inner.start }, source);
    if (inner.kind === 'broadcast') {
      const { axes } = inner;
      if (axes.includes(op.axis)) return seen(inner, source);
      const axis = op.axis - axes.filter((a) => a < op.axis).length;
      const cut = source.shape.map((n, i) => (i === axis ? count : n));
      return seen(inner, seen({ ...op, axis }, source, cut));
    }
    if (inner.kind === 'transpose') {
      const axis = inner.perm[op.axis] as number;
      const cut = source.shape.map((n, i) => (i === axis ? count : n));
      return seen(inner, seen({ ...op, axis }, source, cut));
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

  return { build };
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
