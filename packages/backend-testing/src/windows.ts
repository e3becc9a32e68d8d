/** Random windows and expressions: the vocabulary of random programs. */
import {
  apply,
  arg,
  cast,
  constant,
  type DType,
  type Expr,
  isFloat,
  type SlotWindow,
} from '@ostinato/core/backend';
import type { Random } from './random.ts';

/** Which freedoms a random window takes; none means dense. */
export interface Freedom {
  readonly permuted?: boolean;
  /** Stride 0 along some axes; for reading only. */
  readonly repeated?: boolean;
  readonly negative?: boolean;
  /** Space between elements and rows. */
  readonly gaps?: boolean;
  readonly offset?: boolean;
}

export const everyFreedom: Freedom = {
  permuted: true,
  repeated: true,
  negative: true,
  gaps: true,
  offset: true,
};

/** A place for a window: its strides and offset, and the size that its slot needs. */
export interface Layout {
  readonly strides: readonly number[];
  readonly offset: number;
  readonly size: number;
}

export function layout(r: Random, shape: readonly number[], freedom: Freedom = {}): Layout {
  const axes = shape.map((_, axis) => axis);
  const order = freedom.permuted ? r.shuffle(axes) : axes;
  const strides: number[] = shape.map(() => 0);
  let step = freedom.gaps && r.chance(0.5) ? r.whole(1, 3) : 1;
  let offset = 0;
  for (const axis of [...order].reverse()) {
    const n = shape[axis] as number;
    if (freedom.repeated && r.chance(0.3)) continue;
    const flip = freedom.negative === true && r.chance(0.4);
    strides[axis] = flip ? -step : step;
    if (flip) offset += (n - 1) * step;
    step *= n + (freedom.gaps && r.chance(0.3) ? 1 : 0);
  }
  const before = freedom.offset ? r.whole(0, 7) : 0;
  const after = freedom.offset ? r.whole(0, 5) : 0;
  const reach = shape.reduce((sum, n, a) => sum + (n - 1) * Math.abs(strides[a] as number), 1);
  return { strides, offset: before + offset, size: before + reach + after };
}

/** A layout on the slot that `add` makes for it. */
export function place(
  add: (size: number) => number,
  { strides, offset, size }: Layout,
): SlotWindow {
  return { slot: add(size), offset, strides };
}

/** Axis sizes whose product stays small. */
export function randomShape(r: Random, rank: number, most = 300): number[] {
  let room = most;
  return Array.from({ length: rank }, () => {
    const n = Math.min(room, r.chance(0.2) ? 1 : r.whole(2, 7));
    room = Math.max(1, Math.floor(room / n));
    return n;
  });
}

export const types: readonly DType[] = ['float32', 'int32', 'uint32', 'bool'];

/**
 * A random expression of one type over arguments of some types. Floats stay around 1, and nothing is decided by a
 * computed float: two right backends then stay within the tolerance.
 */
export function randomExpr(r: Random, args: readonly DType[], dtype: DType, depth: number): Expr {
  const leaves = args.flatMap((d, k) => (d === dtype ? [arg(k)] : []));
  const inner = (d: DType = dtype): Expr => randomExpr(r, args, d, depth - 1);
  const leaf = (): Expr =>
    leaves.length > 0 && r.chance(0.9) ? r.pick(leaves) : literal(r, dtype);
  if (depth <= 0) return leaf();
  const choose = (): Expr => apply('select', inner('bool'), inner(), inner());
  if (isFloat(dtype))
    return r.pick<() => Expr>([
      () => apply('add', inner(), leaf()),
      () => apply('sub', leaf(), inner()),
      () => apply('mul', inner(), leaf()),
      () => apply(r.pick(['min', 'max']), inner(), inner()),
      () => apply(r.pick(['neg', 'abs']), inner()),
      () => apply(r.pick(['tanh', 'sigmoid', 'erf']), inner()),
      () => apply(r.pick(['sin', 'cos', 'exp']), leaf()),
      () => cast(dtype, apply('and', inner('int32'), constant(3, 'int32'))),
      choose,
    ])();
  if (dtype === 'bool')
    return r.pick<() => Expr>([
      () => apply(r.pick(['less', 'lessEqual', 'equal']), inner('int32'), inner('int32')),
      () => apply(r.pick(['and', 'or', 'xor']), inner(), inner()),
      () => apply('not', inner()),
      () => cast('bool', inner('int32')),
    ])();
  const other = dtype === 'int32' ? 'uint32' : 'int32';
  return r.pick<() => Expr>([
    () => apply(r.pick(['add', 'sub', 'mul', 'min', 'max']), inner(), inner()),
    () => apply(r.pick(['and', 'or', 'xor']), inner(), inner()),
    () => apply(r.pick(['shl', 'shr']), inner(), constant(r.whole(0, 31), dtype)),
    () => apply(r.pick(['not', 'neg']), inner()),
    () => cast(dtype, r.chance(0.5) ? inner(other) : inner('bool')),
    choose,
  ])();
}

function literal(r: Random, dtype: DType): Expr {
  if (isFloat(dtype)) return constant(Math.fround(r.float(-1, 1)), dtype);
  if (dtype === 'bool') return constant(r.whole(0, 1), dtype);
  return constant(dtype === 'int32' ? r.whole(-9, 9) : r.whole(0, 9), dtype);
}
