/** Loops that V8 may pair, drawn where it went wrong before: many outs, masks, vectors left over, windows that overlap. */
import {
  apply,
  arg,
  constant,
  type Expr,
  type Loop,
  type Operand,
  type ScalarOp,
  scalarOps,
  scalarType,
} from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { planAxes } from '../src/loop/index.ts';
import { pairs } from '../src/pairing.ts';
import { bytesOf, type Data, onWasm, pairing } from './harness.ts';

type Stored = 'float32' | 'bool';

/** How many loops to draw; a search for new mistakes takes more. */
const COUNT = Number(process.env.OSTINATO_PAIRED_LOOPS ?? 400);

/** A source of choices: equal seeds give equal loops. */
function choices(seed: number) {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(unit() * n);
  return { unit, below, of: <T>(list: readonly T[]): T => list[below(list.length)] as T };
}
type Choices = ReturnType<typeof choices>;

const ops = [
  ...['add', 'sub', 'mul', 'div', 'min', 'max', 'neg', 'abs', 'sign', 'sqrt', 'exp'],
  ...['log', 'tanh', 'sigmoid', 'erf', 'less', 'lessEqual', 'equal', 'and', 'or', 'xor', 'not'],
] as ScalarOp[];

function draw(c: Choices, types: readonly Stored[], depth: number, want: Stored): Expr {
  if (depth === 0 || c.below(8) === 0) {
    const fitting = [...types.keys()].filter((k) => types[k] === want);
    if (fitting.length > 0 && c.below(6) > 0) return arg(c.of(fitting));
    if (want === 'float32') return constant(c.below(9) / 2 - 2);
    return apply('less', draw(c, types, 0, 'float32'), draw(c, types, 0, 'float32'));
  }
  const inner = (t: Stored): Expr => draw(c, types, depth - 1, t);
  if (c.below(5) === 0) return apply('select', inner('bool'), inner(want), inner(want));
  for (;;) {
    const op = c.of(ops);
    const from = c.of<Stored>(['float32', 'bool']);
    const args = Array<Stored>(scalarOps[op].arity).fill(from);
    if (scalarType(op, args) === want) return apply(op, ...args.map(inner));
  }
}

const sizes = [1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 17, 20, 24, 31, 32, 33, 40, 44, 48, 64];

const dense = (shape: readonly number[]): number[] =>
  shape.map((_, k) => shape.slice(k + 1).reduce((a, b) => a * b, 1));

function drawLoop(c: Choices): { loop: Loop; data: Data } {
  const shape = Array.from({ length: 1 + c.below(2) }, () => c.of(sizes));
  const over = c.below(3) === 0 ? [c.of(sizes)] : [];
  const all = [...shape, ...over];
  const combine = c.of(['sum', 'max', 'min'] as const);
  const types: Stored[] = Array.from({ length: 1 + c.below(4) }, () =>
    c.of<Stored>(['float32', 'float32', 'bool']),
  );
  const buffers: number[] = [];
  types.forEach((dtype, k) => {
    // Two windows on one buffer now and then, a few elements apart.
    const before = types.slice(0, k).lastIndexOf(dtype);
    buffers.push(before >= 0 && c.below(3) === 0 ? (buffers[before] as number) : k);
  });
  const args = types.map((dtype, k): Operand => {
    const strides = dense(all).map((s) => (c.below(4) === 0 ? 0 : s));
    const offset = c.below(3) === 0 ? 4 * c.below(4) : c.below(3);
    return { slot: k, buffer: buffers[k] as number, dtype, offset, strides };
  });
  const outTypes = Array.from({ length: 1 + c.below(5) }, () =>
    over.length > 0 && combine === 'sum' ? 'float32' : c.of<Stored>(['float32', 'float32', 'bool']),
  );
  const outs = outTypes.map(
    (dtype, k): Operand => ({
      slot: types.length + k,
      buffer: types.length + k,
      dtype,
      offset: 0,
      strides: dense(shape),
    }),
  );
  const points = all.reduce((a, b) => a * b, 1) + 16;
  const special = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, -1e38, 1e-40];
  const float = (): number => (c.below(40) === 0 ? c.of(special) : c.unit() * 8 - 4);
  const data = [...types, ...outTypes].map((dtype) =>
    dtype === 'bool'
      ? bytesOf(Uint32Array.from({ length: points }, () => c.below(2)))
      : bytesOf(Float32Array.from({ length: points }, float)),
  );
  const uses = data.map((_, index) => ({
    source: 'slot' as const,
    index,
    access: index < types.length ? ('read' as const) : ('write' as const),
  }));
  const body = outTypes.map((t) => draw(c, types, 1 + c.below(4), t));
  return { loop: { kind: 'loop', buffers: uses, shape, over, combine, args, outs, body }, data };
}

/** Which NaN it is may differ: an engine may exchange what it adds. */
const bitsOf = (bytes: Data[number]): number[] =>
  [...new Float32Array(bytes.buffer)].map((x, k) =>
    Number.isNaN(x) ? -1 : (new Uint32Array(bytes.buffer)[k] as number),
  );

describe.each([1, 2, 3, 4])('random loops, seed %i', (seed) => {
  test('pairs of vectors give the bits of single ones', () => {
    const c = choices(seed);
    let paired = 0;
    for (let n = 0; n < COUNT; n++) {
      const { loop, data } = drawLoop(c);
      const axis = c.below(3) === 0 ? c.below(loop.shape.length) : undefined;
      const size = loop.shape[axis ?? 0] as number;
      const cut = c.below(size + 1);
      const relaxed = c.below(4) > 0;
      if (!pairs(loop, planAxes(loop, axis))) continue;
      paired++;
      const pieces =
        axis === undefined
          ? undefined
          : [
              { axis, first: 0, count: cut },
              { axis, first: cut, count: size - cut },
            ];
      const got = onWasm(loop, data, { relaxed, paired: true }, pieces);
      const want = onWasm(loop, data, { relaxed, paired: false });
      for (const { buffer } of loop.outs)
        expect(bitsOf(got[buffer] as Data[number]), JSON.stringify(loop)).toEqual(
          bitsOf(want[buffer] as Data[number]),
        );
    }
    expect(paired).toBeGreaterThan(COUNT / 4);
  });

  test('single vectors stay single while another thread has V8 pair its own', () => {
    const c = choices(seed);
    for (let n = 0; n < COUNT; n++) {
      const { loop, data } = drawLoop(c);
      const target = { relaxed: c.below(4) > 0, paired: false };
      const got = pairing(() => onWasm(loop, data, target));
      const want = onWasm(loop, data, target);
      for (const { buffer } of loop.outs)
        expect(bitsOf(got[buffer] as Data[number]), JSON.stringify(loop)).toEqual(
          bitsOf(want[buffer] as Data[number]),
        );
    }
  });
});
