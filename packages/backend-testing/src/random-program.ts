/** Random whole programs: any instruction on any earlier value. */
import {
  apply,
  arg,
  constant,
  type DType,
  denseStrides,
  type Expr,
  isFloat,
  type Program,
  type ProgramBuilder,
  programBuilder,
  type SlotWindow,
  sizeOf,
  window,
} from '@ostinato/core/backend';
import type { Random } from './random.ts';
import { randomExpr, randomShape } from './windows.ts';

/** A dense value in a slot. */
interface Value {
  readonly slot: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

interface Growing {
  readonly b: ProgramBuilder;
  readonly r: Random;
  readonly values: Value[];
  /** Values that may be written again: scratch, and what the caller donates. */
  readonly mine: Set<number>;
  /** Scans inside scans go one deep. */
  readonly depth: number;
}

const dtypes: readonly DType[] = ['float32', 'float32', 'float32', 'int32', 'uint32', 'bool'];

/** Keeps floats around 1, whatever came before. */
const tame = (x: Expr, dtype: DType): Expr => (isFloat(dtype) ? apply('tanh', x) : x);

function scratch({ b, values, mine }: Growing, dtype: DType, shape: readonly number[]): Value {
  const value = { slot: b.scratch(`v${values.length}`, dtype, sizeOf(shape)), dtype, shape };
  values.push(value);
  mine.add(value.slot);
  return value;
}

const whole = ({ slot, shape }: Value): SlotWindow => window(slot, denseStrides(shape));

/** A part of a value, axes permuted, some flipped: the window and its shape. */
function view(r: Random, value: Value): { shape: number[]; window: SlotWindow } {
  const strides = denseStrides(value.shape);
  let offset = 0;
  const axes = r.shuffle(
    value.shape.map((n, axis) => {
      const length = r.chance(0.3) ? r.whole(1, n) : n;
      const from = r.whole(0, n - length);
      const stride = strides[axis] as number;
      const flip = r.chance(0.2);
      offset += stride * (flip ? from + length - 1 : from);
      return { length, stride: flip ? -stride : stride };
    }),
  );
  return {
    shape: axes.map((a) => a.length),
    window: window(
      value.slot,
      axes.map((a) => a.stride),
      offset,
    ),
  };
}

/** Values as windows of a shape: those whose last axes fit, broadcast over the others. */
function fitting(
  { values, r }: Growing,
  shape: readonly number[],
): { dtype: DType; window: SlotWindow }[] {
  return r.shuffle(values).flatMap((value) => {
    const missing = shape.length - value.shape.length;
    const strides = denseStrides(value.shape);
    if (missing < 0 || value.shape.some((n, a) => n !== 1 && n !== shape[missing + a])) return [];
    const own = value.shape.map((n, a) => (n === 1 ? 0 : (strides[a] as number)));
    return [
      {
        dtype: value.dtype,
        window: window(value.slot, [...shape.slice(0, missing).map(() => 0), ...own]),
      },
    ];
  });
}

function elementwise(g: Growing): void {
  const { b, r } = g;
  const base = r.pick(g.values);
  const main = view(r, base);
  const args = [{ dtype: base.dtype, window: main.window }, ...fitting(g, main.shape).slice(0, 2)];
  const types = args.map((a) => a.dtype);
  const results = r.chance(0.3) ? [r.pick(dtypes), r.pick(dtypes)] : [r.pick(dtypes)];
  const body = results.map((d) => tame(randomExpr(r, types, d, 2), d));
  const outs = results.map((d) => whole(scratch(g, d, main.shape)));
  b.loop({ shape: main.shape, args: args.map((a) => a.window), body, outs });
}

function inPlace(g: Growing): void {
  const { b, r } = g;
  const own = g.values.filter((v) => g.mine.has(v.slot));
  if (own.length === 0) return;
  const value = r.pick(own);
  const { shape, window: part } = view(r, value);
  const others = fitting(g, shape)
    .filter((o) => o.window.slot !== value.slot)
    .slice(0, 2);
  const types = [value.dtype, ...others.map((o) => o.dtype)];
  const body = [tame(randomExpr(r, types, value.dtype, 2), value.dtype)];
  b.loop({ shape, args: [part, ...others.map((o) => o.window)], body, outs: [part] });
}

function reduce(g: Growing): void {
  const { b, r } = g;
  const numbers = g.values.filter((v) => v.dtype !== 'bool' && v.shape.length > 0);
  const base = r.pick(numbers);
  if (!base) return;
  const { shape, window: part } = view(r, base);
  const kept = r.whole(0, shape.length - 1);
  const over = shape.slice(kept);
  const scale = apply('mul', arg(0), constant(1 / sizeOf(over)));
  const body = [isFloat(base.dtype) ? scale : arg(0)];
  const out = whole(scratch(g, base.dtype, shape.slice(0, kept)));
  const combine = r.pick(['sum', 'sum', 'max', 'min'] as const);
  b.loop({ shape: shape.slice(0, kept), over, combine, args: [part], body, outs: [out] });
}

/** The last axis of both views is summed, cut to the shorter one. */
function contract(g: Growing): void {
  const { b, r } = g;
  const floats = g.values.filter((v) => isFloat(v.dtype) && v.shape.length > 0);
  if (floats.length === 0) return;
  const [x, y] = [view(r, r.pick(floats)), view(r, r.pick(floats))];
  const free = [...x.shape.slice(0, -1), ...y.shape.slice(0, -1)];
  if (sizeOf(free) > 400) return;
  const n = Math.min(x.shape.at(-1) as number, y.shape.at(-1) as number);
  const zeros = (count: number): number[] => new Array(count).fill(0);
  const [xs, ys] = [x.window.strides, y.window.strides];
  const left = [...xs.slice(0, -1), ...zeros(ys.length - 1), xs.at(-1) as number];
  const right = [...zeros(xs.length - 1), ...ys];
  const out = scratch(g, 'float32', free);
  const args = [
    { ...x.window, strides: left },
    { ...y.window, strides: right },
  ] as const;
  b.contract({ shape: free, over: [n], args, out: whole(out) });
  const scaled = apply('mul', arg(0), constant(1 / n));
  b.loop({ shape: free, args: [whole(out)], body: [scaled], outs: [whole(out)] });
}

/** A value seen as rows, and whole numbers seen as a list of them. */
function rowsAndIndex(g: Growing): { table: Value; index: Value; d: number } | undefined {
  const { r } = g;
  const tables = g.values.filter((v) => v.dtype === 'float32' && v.shape.length > 0);
  const indices = g.values.filter((v) => v.dtype === 'int32' || v.dtype === 'uint32');
  if (tables.length === 0 || indices.length === 0) return undefined;
  const table = r.pick(tables);
  return { table, index: r.pick(indices), d: table.shape.at(-1) as number };
}

function gather(g: Growing): void {
  const found = rowsAndIndex(g);
  if (!found) return;
  const { table, index, d } = found;
  const n = Math.min(sizeOf(index.shape), 20);
  const args = [window(table.slot, [d, 1]), window(index.slot, [1])] as const;
  const out = window(scratch(g, 'float32', [n, d]).slot, [d, 1]);
  g.b.gather({ rows: sizeOf(table.shape) / d, shape: [n, d], args, out });
}

function scatter(g: Growing): void {
  const found = rowsAndIndex(g);
  if (!found) return;
  const { table: x, index, d } = found;
  const n = Math.min(sizeOf(index.shape), sizeOf(x.shape) / d);
  const rows = g.r.whole(1, 8);
  const args = [window(x.slot, [d, 1]), window(index.slot, [1])] as const;
  const out = scratch(g, 'float32', [rows, d]);
  g.b.scatter({ rows, shape: [n, d], args, out: window(out.slot, [d, 1]) });
  const body = [apply('tanh', arg(0))];
  g.b.loop({ shape: [rows, d], args: [whole(out)], body, outs: [whole(out)] });
}

/** A scan over the first axis of one value, with carries made of others. */
function scan(g: Growing): void {
  const { b, r } = g;
  const over = g.values.filter((v) => v.shape.length > 0 && v.shape.length < 4);
  if (g.depth === 0 || over.length === 0) return;
  const x = r.pick(over);
  const length = x.shape[0] as number;
  const consts = r.chance(0.7) ? [r.pick(g.values)] : [];
  const init = Array.from({ length: r.whole(1, 2) }, () => r.pick(g.values));
  const body = randomBody(g, consts, init, { ...x, shape: x.shape.slice(1) });
  const finals = init.map((v) => scratch(g, v.dtype, v.shape));
  const y = scratch(g, body.y.dtype, [length, ...body.y.shape]);
  const reverse = r.chance(0.5);
  const stepOf = (v: Value): number => sizeOf(v.shape) / length;
  b.scan({
    length,
    reverse,
    body: body.program,
    consts: consts.map((v) => window(v.slot)),
    init: init.map((v) => window(v.slot)),
    xs: [window(x.slot, [stepOf(x)])],
    finals: finals.map((v) => window(v.slot)),
    ys: [window(y.slot, [stepOf(y)])],
  });
}

function randomBody(
  { r, depth }: Growing,
  consts: readonly Value[],
  init: readonly Value[],
  x: Value,
): { program: Program; y: Value } {
  const b = programBuilder();
  const inputs = [...consts, ...init, x].map(({ dtype, shape }, k) => ({
    slot: b.input(`in${k}`, dtype, sizeOf(shape)),
    dtype,
    shape,
  }));
  const g: Growing = { b, r, values: [...inputs], mine: new Set(), depth: depth - 1 };
  grow(g, r.whole(1, 4));
  // The next value of a carry is made of its last one and of whatever fits.
  const finish = (label: string, of: Value): Value => {
    const args = [{ dtype: of.dtype, window: whole(of) }, ...fitting(g, of.shape).slice(0, 2)];
    const types = args.map((a) => a.dtype);
    const slot = b.output(label, of.dtype, sizeOf(of.shape));
    const outs = [window(slot, denseStrides(of.shape))];
    const value = tame(randomExpr(r, types, of.dtype, 2), of.dtype);
    b.loop({ shape: of.shape, args: args.map((a) => a.window), body: [value], outs });
    return { ...of, slot };
  };
  const carries = inputs.slice(consts.length, consts.length + init.length);
  for (const [k, carry] of carries.entries()) finish(`carry${k}`, carry);
  const y = finish('y', r.pick(g.values));
  return { program: b.program({ arenas: r.whole(0, 2) }), y };
}

function grow(g: Growing, count: number): void {
  const kinds = [elementwise, elementwise, inPlace, reduce, contract, gather, scatter, scan];
  for (let k = 0; k < count; k++) g.r.pick(kinds)(g);
}

/** Every value ends up in an output, so that nothing is computed unseen. */
export function randomProgram(r: Random): Program {
  const b = programBuilder();
  const g: Growing = { b, r, values: [], mine: new Set(), depth: 2 };
  const first: readonly DType[] = ['float32', 'int32', 'float32', r.pick(dtypes), r.pick(dtypes)];
  for (const [k, dtype] of first.entries()) {
    const shape = randomShape(r, r.whole(k === 0 ? 1 : 0, 3), 80);
    const donated = r.chance(0.3);
    const slot = b[donated ? 'donated' : 'input'](`in${k}`, dtype, sizeOf(shape));
    g.values.push({ slot, dtype, shape });
    if (donated) g.mine.add(slot);
  }
  grow(g, r.whole(3, 12));
  for (const value of g.values.slice(first.length)) {
    const slot = b.output('out', value.dtype, sizeOf(value.shape));
    const outs = [window(slot, denseStrides(value.shape))];
    b.loop({ shape: value.shape, args: [whole(value)], body: [arg(0)], outs });
  }
  return b.program({ arenas: r.whole(0, 3) });
}
