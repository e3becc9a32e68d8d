/** What each pass makes of small graphs, as printed programs. */
import { describe, expect, test } from 'vitest';
import { topo } from '../src/graph/rewrite.ts';
import { findRows } from '../src/graph/rows.ts';
import { param, type ScanOp, type Tensor } from '../src/graph/tensor.ts';
import * as o from '../src/index.ts';
import type { DType } from '../src/ir/dtype.ts';
import { printProgram } from '../src/ir/print.ts';
import type { Instr, Program, Scan } from '../src/ir/program.ts';
import { verify } from '../src/ir/verify.ts';
import { simplify } from '../src/passes/simplify.ts';
import type { LowerOptions } from '../src/trace/lower.ts';
import { lower } from './lowered.ts';
import { f64, gradientOf, valuesOf } from './support.ts';

type T = Tensor;
const { add, matmul, mul, scan, sigmoid, tanh } = o;

const input = (label: string, shape: readonly number[], dtype: DType = 'float32'): T =>
  param(shape, dtype, label);

function printed(params: readonly T[], results: readonly T[], options?: LowerOptions): string {
  return `\n${printProgram(lower(params, results, options))}\n`;
}

const kinds = (p: Program): string[] => p.code.map((i) => i.kind);
const scansOf = (p: Program): Scan[] => p.code.filter((i): i is Scan => i.kind === 'scan');
/** What is inside the loop, then around it. */
const counts = (p: Program): { around: string[]; inside: string[][] } => ({
  around: kinds(p),
  inside: scansOf(p).map((s) => kinds(s.body)),
});

describe('simplify', () => {
  const x = input('x', [2, 3]);

  test('views go to the inputs and become strides', () =>
    expect(
      printed(
        [x],
        [o.transpose(o.slice(mul(o.flip(x, 0), o.transpose(o.reshape(x, [3, 2]))), 1, 1, 2))],
      ),
    ).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 map: float32[4]
      loop [2,2]
          %1 map<2,1> = (%0 x+4<1,-3> * %0 x+2<2,1>)
      "
    `));

  test('constants fold into expressions; x * 1, x + 0 and double negation go', () => {
    const y = add(mul(mul(x, 1), o.exp(o.full([2, 3], 2))), o.sub(o.zeros([2, 3]), 0));
    expect(printed([x], [o.neg(o.neg(y))])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 map: float32[6]
      loop [2,3]
          %1 map<3,1> = (%0 x<3,1> * 7.389056205749512)
      "
    `);
  });

  test('NaN survives: 0 * x, x - x and x / x stay', () => {
    expect(printed([x], [mul(x, 0)])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 map: float32[6]
      loop [2,3]
          %1 map<3,1> = (%0 x<3,1> * 0)
      "
    `);
    expect(printed([x], [o.sub(x, x), o.div(x, x)])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 map: float32[6], %2 map: float32[6]
      loop [2,3]
          %1 map<3,1> = (%0 x<3,1> - %0 x<3,1>)
          %2 map<3,1> = (%0 x<3,1> / %0 x<3,1>)
      "
    `);
  });

  test('equal work is done once', () =>
    expect(printed([x], [o.sum(tanh(x)), o.max(tanh(x)), mul(tanh(x), 2)])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 reduce: float32[1], %2 reduce: float32[1], %3 map: float32[6]
      scratch 32 bytes
      loop [2,3]
          v0 = tanh(%0 x<3,1>)
          %4 map<3,1> = v0
          %3 map<3,1> = (v0 * 2)
      loop [] sum over [2,3]
          %1 reduce<> = %4 map<3,1>
      loop [] max over [2,3]
          %2 reduce<> = %4 map<3,1>
      "
    `));

  test('reductions of reductions and of constants', () =>
    expect(
      printed([x], [o.sum(o.sum(x, { axes: 0 })), o.sum(o.ones([3, 4])), o.max(o.full([2], 5))]),
    ).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 reduce: float32[1], %2 constant: float32[1], %3 constant: float32[1]
      loop []
          %2 constant<> = 12
          %3 constant<> = 5
      loop [] sum over [2,3]
          %1 reduce<> = %0 x<3,1>
      "
    `));

  test('a slice of a concat is the part', () =>
    expect(printed([x], [o.slice(o.concat([x, tanh(x)], 1), 1, 4, 2)])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 map: float32[4]
      loop [2,2]
          %1 map<2,1> = tanh(%0 x+1<3,1>)
      "
    `));

  test.each<[string, (y: T) => T]>([
    ['a flip', (y) => add(mul(o.flip(y, 1), 0.5), y)],
    ['a flip three times', (y) => o.where(o.less(y, o.flip(y, 1)), y, mul(y, 0.5))],
    [
      'a row and a column',
      (y) => {
        const part = (axis: number): T => o.broadcastTo(mul(o.slice(y, axis, 1, 1), 0.5), y.shape);
        return add(mul(y, part(0)), part(1));
      },
    ],
  ])('views of the layer below do not multiply from layer to layer: %s', (_, layer) => {
    let y: T = input('x', [4, 4]);
    for (let k = 0; k < 24; k++) y = layer(y);
    const before = topo([y]).length;
    expect(topo(simplify([y])).length).toBeLessThan(10 * before);
  });
  test('is idempotent', () => {
    const [once] = simplify([tanh(o.transpose(mul(x, 2)))]) as [T];
    const [twice] = simplify([once]) as [T];
    expect(printed([x], [twice])).toBe(printed([x], [once]));
  });

  test('a scan loses carries, ys and xs that nobody reads, and what does not change becomes constant', () => {
    const xs = { used: input('used', [4, 2]), idle: input('idle', [4, 2]) };
    const w = input('w', [2]);
    const [, ys] = scan(
      (c: { h: T; idle: T; same: T }, v: typeof xs) => [
        { h: tanh(add(mul(c.h, c.same), v.used)), idle: add(c.idle, v.idle), same: c.same },
        { y: c.h, z: v.idle },
      ],
      { h: o.zeros([2]), idle: o.zeros([2]), same: w },
      xs,
    );
    expect(printed([xs.used, xs.idle, w], [ys.y])).toMatchInlineSnapshot(`
      "
      in  %0 used: float32[8], %1 idle: float32[8], %2 w: float32[2]
      out %3 h: float32[8]
      scratch 32 bytes
      loop [2]
          %4 constant<1> = 0
      scan scan 4 steps, 2 rows
          consts %2 w<>
          init %4 constant<>
          xs %0 used<2>
          finals %5 map+4<>
          ys %3 h<2>
          | in  %0 w: float32[2], %1 h: float32[2], %2 used: float32[2]
          | out %3 map: float32[2], %4 h: float32[2]
          | loop [2]
          |     %4 h<1> = %1 h<1>
          |     %3 map<1> = tanh(((%1 h<1> * %0 w<1>) + %2 used<1>))
      "
    `);
  });
});

// The cells' kin: small, and with products on both sides.
const [TIME, B, I, H] = [5, 2, 3, 4];
const xs = input('x', [TIME, B, I]);
const [w, u, b] = [input('w', [I, H]), input('u', [H, H]), input('b', [1, H])];
const elman = (h: T, x: T): [T, T] => {
  const next = tanh(add(add(matmul(x, w), matmul(h, u)), o.broadcastTo(b, h.shape)));
  return [next, next];
};
const rnn = (): T => scan(elman, o.zeros([B, H]), xs)[1];

describe('fission', () => {
  test('the input projection is one product before the loop', () =>
    expect(printed([xs, w, u, b], [rnn()])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[30], %1 w: float32[12], %2 u: float32[16], %3 b: float32[4]
      out %4 map: float32[40]
      scratch 224 bytes
      loop [2,4]
          %5 constant<4,1> = 0
      contract [5,2,4] over [3] %0 x<6,3,0,1> * %1 w<0,0,1,4> -> %6 contract+8<8,4,1>
      scan scan 5 steps, 2 rows
          consts %2 u<>, %3 b<>
          init %5 constant<>
          xs %6 contract+8<8>
          finals %7 map+48<>
          ys %4 map<8>
          | in  %0 u: float32[16], %1 b: float32[4], %2 carry: float32[8], %3 contract: float32[8]
          | out %4 map: float32[8], %5 map: float32[8]
          | scratch 32 bytes
          | contract [2,4] over [4] %2 carry<4,0,1> * %0 u<0,1,4> -> %6 contract<4,1>
          | loop [2,4]
          |     v0 = tanh(((%3 contract<4,1> + %6 contract<4,1>) + %1 b<0,1>))
          |     %4 map<4,1> = v0
          |     %5 map<4,1> = v0
      "
    `));

  test('what no carry waits for is one product behind the loop', () => {
    const v = input('v', [H, 2]);
    const [, ys] = scan(
      (h: T, x: T) => {
        const [next] = elman(h, x);
        return [next, sigmoid(matmul(next, v))];
      },
      o.zeros([B, H]),
      xs,
    );
    const p = lower([xs, w, u, b, v], [ys]);
    expect(counts(p)).toMatchInlineSnapshot(`
      {
        "around": [
          "loop",
          "contract",
          "scan",
          "contract",
          "loop",
        ],
        "inside": [
          [
            "contract",
            "loop",
          ],
        ],
      }
    `);
  });

  test('weight and bias gradients are one product and one sum over time and batch', () => {
    const params = { w, u, b };
    const gradient = o.grad((p: typeof params) => {
      const [, ys] = scan(
        (h: T, x: T) => {
          const z = add(add(matmul(x, p.w), matmul(h, p.u)), o.broadcastTo(p.b, h.shape));
          return [tanh(z), tanh(z)];
        },
        o.zeros([B, H]),
        xs,
      );
      return o.sum(ys);
    })(params);
    expect(printed([xs, w, u, b], [gradient.w, gradient.u, gradient.b])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[30], %1 w: float32[12], %2 u: float32[16], %3 b: float32[4]
      out %4 contract: float32[12], %5 contract: float32[16], %6 reduce: float32[4]
      scratch 416 bytes
      loop [2,4]
          %7 constant<4,1> = 0
          %14 map+8<4,1> = 0
      contract [5,2,4] over [3] %0 x<6,3,0,1> * %1 w<0,0,1,4> -> %8 contract+56<8,4,1>
      scan scan 5 steps, 2 rows
          consts %2 u<>, %3 b<>
          init %7 constant<>
          xs %8 contract+56<8>
          finals %11 map+96<>
          ys %14 map+16<8>
          | in  %0 u: float32[16], %1 b: float32[4], %2 carry: float32[8], %3 contract: float32[8]
          | out %4 map: float32[8], %5 map: float32[8]
          | scratch 32 bytes
          | contract [2,4] over [4] %2 carry<4,0,1> * %0 u<0,1,4> -> %7 contract<4,1>
          | loop [2,4]
          |     v0 = tanh(((%3 contract<4,1> + %7 contract<4,1>) + %1 b<0,1>))
          |     %4 map<4,1> = v0
          |     %5 map<4,1> = v0
      scan d_scan 5 steps reverse, 2 rows
          consts %2 u<>
          init %7 constant<>
          xs %14 map+16<8>
          finals %13 contract+96<>
          ys %12 map+56<8>
          | in  %0 u: float32[16], %1 d_carry: float32[8], %2 map: float32[8]
          | out %3 contract: float32[8], %4 map: float32[8]
          | loop [2,4]
          |     v0 = (1 - (%2 map<4,1> * %2 map<4,1>))
          |     %4 map<4,1> = (v0 + (%1 d_carry<4,1> * v0))
          | contract [2,4] over [4] %4 map<4,0,1> * %0 u<0,4,1> -> %3 contract<4,1>
      contract [3,4] over [5,2] %0 x<1,0,6,3> * %12 map+56<0,1,8,4> -> %4 contract<4,1>
      contract [4,4] over [5,2] %14 map+8<1,0,8,4> * %12 map+56<0,1,8,4> -> %5 contract<4,1>
      loop [4] sum over [5,2]
          %6 reduce<1> = %12 map+56<1,8,4>
      "
    `);
  });

  test("a cell of one's own: layer norm and a multiplicative gate", () => {
    const [v, gain] = [input('v', [H, H]), input('gain', [H])];
    const norm = (z: T): T => {
      const d = o.sub(z, o.broadcastTo(o.mean(z, { axes: 1, keepDims: true }), z.shape));
      const scale = o.sqrt(add(o.mean(mul(d, d), { axes: 1, keepDims: true }), 1e-5));
      return mul(
        o.div(d, o.broadcastTo(scale, z.shape)),
        o.broadcastTo(o.expandDims(gain, 0), z.shape),
      );
    };
    const cell =
      (p: { w: T; u: T; v: T }) =>
      (h: T, x: T): [T, T] => {
        const gate = sigmoid(norm(matmul(x, p.w)));
        const next = add(mul(gate, h), tanh(norm(matmul(mul(gate, matmul(h, p.u)), p.v))));
        return [next, next];
      };
    const p = { w, u, v };
    const loss = (q: typeof p): T => o.sum(scan(cell(q), o.zeros([B, H]), xs)[1]);
    const inputs = [xs, w, u, v, gain];
    expect(counts(lower(inputs, [loss(p)]))).toMatchInlineSnapshot(`
      {
        "around": [
          "loop",
          "contract",
          "loop",
          "loop",
          "scan",
          "loop",
        ],
        "inside": [
          [
            "contract",
            "loop",
            "contract",
            "loop",
            "loop",
            "loop",
            "loop",
          ],
        ],
      }
    `);
    const g = o.grad(loss)(p);
    expect(counts(lower(inputs, [g.w, g.u, g.v]))).toMatchInlineSnapshot(`
      {
        "around": [
          "loop",
          "contract",
          "loop",
          "loop",
          "scan",
          "scan",
          "loop",
          "contract",
          "contract",
          "loop",
          "loop",
          "loop",
          "contract",
        ],
        "inside": [
          [
            "contract",
            "loop",
            "contract",
            "loop",
            "loop",
            "loop",
            "loop",
          ],
          [
            "loop",
            "loop",
            "loop",
            "loop",
            "loop",
            "contract",
            "loop",
            "contract",
            "loop",
          ],
        ],
      }
    `);
  });

  test('stays within the segments of a checkpointed loop', () => {
    const [, ys] = scan(elman, o.zeros([B, H]), xs, { checkpoint: 5 });
    const [outer] = scansOf(lower([xs, w, u, b], [ys])) as [Scan];
    expect(outer.length).toBe(1);
    expect(counts(outer.body)).toMatchInlineSnapshot(`
      {
        "around": [
          "contract",
          "scan",
        ],
        "inside": [
          [
            "contract",
            "loop",
          ],
        ],
      }
    `);
  });
});

describe('launches of the standard cells', () => {
  const lstm =
    (q: { w: T; u: T; b: T }) =>
    (s: { h: T; c: T }, x: T): [{ h: T; c: T }, T] => {
      const z = add(add(matmul(x, q.w), matmul(s.h, q.u)), o.broadcastTo(q.b, [B, 4 * H]));
      const [i, f, g, out] = o.split(z, 4) as [T, T, T, T];
      const c = add(mul(sigmoid(f), s.c), mul(sigmoid(i), tanh(g)));
      const h = mul(sigmoid(out), tanh(c));
      return [{ h, c }, h];
    };
  const gru =
    (q: { w: T; u: T; b: T }) =>
    (h: T, x: T): [T, T] => {
      const zx = o.split(add(matmul(x, q.w), o.broadcastTo(q.b, [B, 3 * H])), 3) as [T, T, T];
      const zh = o.split(matmul(h, q.u), 3) as [T, T, T];
      const [r, z] = [sigmoid(add(zx[0], zh[0])), sigmoid(add(zx[1], zh[1]))];
      const n = tanh(add(zx[2], mul(r, zh[2])));
      const next = add(mul(o.sub(1, z), n), mul(z, h));
      return [next, next];
    };
  const weights = (gates: number) => ({
    w: input('w', [I, gates * H]),
    u: input('u', [H, gates * H]),
    b: input('b', [1, gates * H]),
  });
  const state = { h: o.zeros([B, H]), c: o.zeros([B, H]) };

  test('lstm: fill, product, scan; 1 product and 1 loop in it', () => {
    const q = weights(4);
    const p = lower([xs, q.w, q.u, q.b], [scan(lstm(q), state, xs)[1]]);
    expect(counts(p)).toEqual({
      around: ['loop', 'contract', 'scan'],
      inside: [['contract', 'loop']],
    });
  });
  test('gru: the same', () => {
    const q = weights(3);
    const p = lower([xs, q.w, q.u, q.b], [scan(gru(q), state.h, xs)[1]]);
    expect(counts(p)).toEqual({
      around: ['loop', 'contract', 'scan'],
      inside: [['contract', 'loop']],
    });
  });
  test("of a GRU's product a gradient stacks the part it reads", () => {
    const q = weights(3);
    const g = o.grad((r: typeof q) => o.sum(scan(gru(r), state.h, xs)[1]))(q);
    const { code } = lower([xs, q.w, q.u, q.b], [g.w, g.u, g.b]);
    const forward = code.find((i) => i.kind === 'scan');
    const stacked = forward?.kind === 'scan' ? forward.ys.map(({ strides }) => strides[0]) : [];
    expect(new Set(stacked)).toEqual(new Set([B * H])); // not one of [B, 3 H]
  });
  test('their gradients', () => {
    const all = (kind: 'lstm' | 'gru') => {
      const q = weights(kind === 'lstm' ? 4 : 3);
      const loss = (r: typeof q): T => {
        const ys = kind === 'lstm' ? scan(lstm(r), state, xs)[1] : scan(gru(r), state.h, xs)[1];
        return o.mean(o.square(ys));
      };
      const g = o.grad(loss)(q);
      return counts(lower([xs, q.w, q.u, q.b], [g.w, g.u, g.b]));
    };
    expect(all('lstm')).toMatchInlineSnapshot(`
      {
        "around": [
          "loop",
          "contract",
          "scan",
          "loop",
          "scan",
          "contract",
          "contract",
          "loop",
        ],
        "inside": [
          [
            "contract",
            "loop",
          ],
          [
            "loop",
            "contract",
          ],
        ],
      }
    `);
    expect(all('gru')).toMatchInlineSnapshot(`
      {
        "around": [
          "loop",
          "contract",
          "scan",
          "loop",
          "scan",
          "contract",
          "contract",
          "loop",
        ],
        "inside": [
          [
            "contract",
            "loop",
          ],
          [
            "loop",
            "contract",
            "loop",
          ],
        ],
      }
    `);
  });
});

describe('rows', () => {
  const rowsIn = (t: T): string => {
    const node = t.args[0] as T;
    const found = findRows(node.op as ScanOp);
    return 'why' in found ? found.why : `${found.count} rows`;
  };
  const one = (step: (h: T, x: T) => T, x: T = xs, h: T = o.zeros([B, H])): T =>
    scan((c: T, v: T) => [step(c, v), null], h, x)[0];

  test('a cell of products and gates has them', () =>
    expect(rowsIn(one((h, x) => elman(h, x)[0]))).toBe('2 rows'));

  test('where rows mix, why', () => {
    expect(
      rowsIn(one((h) => add(h, o.broadcastTo(o.sum(h, { axes: 0, keepDims: true }), h.shape)))),
    ).toMatchInlineSnapshot(`"float32[4] "reduce" mixes rows"`);
    expect(rowsIn(one((h) => o.flip(h, 0)))).toMatchInlineSnapshot(
      `"float32[2,4] "flip" mixes rows"`,
    );
    expect(
      rowsIn(one((h) => matmul(o.softmax(matmul(h, o.transpose(h))), h))),
    ).toMatchInlineSnapshot(`"float32[2,2] "contract" mixes rows"`);
    expect(rowsIn(one((h) => add(h, 1), input('x', [TIME, 1]), o.scalar(0)))).toMatchInlineSnapshot(
      `"no carry has a batch axis"`,
    );
    expect(
      rowsIn(one((h) => scan((c: T, k: T) => [mul(c, k), null], h, input('k', [2]))[0])),
    ).toMatchInlineSnapshot(`"float32[] "scan" mixes rows"`);
  });

  test('a carry without rows that takes on some, along any axis, and one that loses them', () => {
    const step = (c: { h: T; n: T }) => ({ h: tanh(c.h), n: o.broadcastTo(tanh(c.h), [3, B]) });
    const start = { h: o.zeros([B]), n: o.zeros([3, B]) };
    const [last] = scan((c: typeof start) => [step(c), null], start, null, { length: 2 });
    expect(rowsIn(last.h)).toMatch(/does not keep its rows/);
    const turned = one((h) => o.transpose(h), xs, o.zeros([B, B]));
    expect(rowsIn(turned)).toMatch(/"transpose" does not keep its rows/);
    expect(rowsIn(one(() => o.broadcastTo(input('k', [H]), [B, H])))).toMatch(/does not keep/);
  });

  test('a shared counter, xs without rows, and a mask', () => {
    const clock = input('clock', [TIME, H]);
    const [last] = scan(
      (s: { h: T; n: T }, x: { x: T; clock: T }) => [
        {
          h: o.where(
            o.broadcastTo(o.less(s.n, 3), [B, H]),
            tanh(add(matmul(x.x, w), o.broadcastTo(o.expandDims(x.clock, 0), [B, H]))),
            s.h,
          ),
          n: add(s.n, 1),
        },
        null,
      ],
      { h: o.zeros([B, H]), n: o.scalar(0, 'int32') },
      { x: xs, clock },
    );
    expect(rowsIn(last.h)).toBe('2 rows');
  });

  test('a weight with as many rows as the batch', () => {
    const square = input('square', [B, B]);
    expect(rowsIn(one((h) => tanh(matmul(h, square)), xs, o.zeros([B, B])))).toBe('2 rows');
    // Per-step weights, as an x: its first axis fits by accident.
    const moving = input('moving', [TIME, B, B]);
    expect(rowsIn(one((h, m) => tanh(matmul(h, m)), moving, o.zeros([B, B])))).toBe('2 rows');
  });

  test('what rows share is computed apart from them, also where the shapes are the same', () => {
    const square = input('square', [B, B]);
    const norms = (t: T): T => o.broadcastTo(o.sum(mul(t, t), { axes: 1, keepDims: true }), [B, B]);
    // The weights change with time as the rows do, but are not theirs.
    const [last] = scan(
      ({ h, m }: { h: T; m: T }) => {
        const row = o.broadcastTo(o.slice(m, 0, 0, 1), [B, B]);
        const next = tanh(add(matmul(o.concat([h, row], 1), o.concat([m, m])), norms(h)));
        return [{ h: next, m: tanh(norms(m)) }, null];
      },
      { h: square, m: square },
      null,
      { length: TIME },
    );
    const program = lower([square], [last.h, last.m]);
    verify(program);
    const [{ rows, body } = {} as Scan] = scansOf(program);
    expect(rows?.count).toBe(B);
    expect(body.code.map((i, k) => `${i.kind} ${rows?.axis[k]}`)).toEqual([
      'loop 0',
      'loop null',
      'loop null',
      'loop 0',
      'contract 0',
      'loop 0',
    ]);
  });
});

describe('fuse', () => {
  const x = input('x', [2, 3]);
  const bias = input('bias', [3]);

  test('a bias is an operand of stride 0', () =>
    expect(printed([x, bias], [tanh(add(x, bias))])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6], %1 bias: float32[3]
      out %2 map: float32[6]
      loop [2,3]
          %2 map<3,1> = tanh((%0 x<3,1> + %1 bias<0,1>))
      "
    `));

  test('parts of a concat are computed in place', () => {
    const y = input('y', [2, 3]);
    expect(
      printed([x, y], [o.concat([tanh(x), matmul(x, o.transpose(y)), y], 1)]),
    ).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6], %1 y: float32[6]
      out %2 concat: float32[16]
      contract [2,2] over [3] %0 x<3,0,1> * %1 y<0,3,1> -> %2 concat+3<8,1>
      loop [2,3]
          %2 concat+5<8,1> = %1 y<3,1>
          %2 concat<8,1> = tanh(%0 x<3,1>)
      "
    `);
  });

  test('a constant of a scan may be a part of a concat whose other parts come later', async () => {
    const a = o.square(f64([[1, 2]]));
    const [c] = scan((s: T) => [add(s, a), null], a, null, { length: 2 });
    expect(await valuesOf(o.concat([c, c, a], 0))).toEqual([3, 12, 3, 12, 1, 4]);
    expect(await valuesOf(o.concat([c, c, a], 1))).toEqual([3, 12, 3, 12, 1, 4]);
    const b = o.square(f64([[1], [2]]));
    const [d] = scan((s: T) => [add(s, b), null], b, null, { length: 2 });
    expect(await valuesOf(o.concat([d, d, b], 1))).toEqual([3, 3, 1, 12, 12, 4]);
  });

  test('neighbours of one shape are one loop with several outs', () =>
    expect(printed([x], [tanh(x), mul(tanh(x), 2), o.less(x, 0)])).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 map: float32[6], %2 map: float32[6], %3 map: bool[6]
      loop [2,3]
          v0 = tanh(%0 x<3,1>)
          %1 map<3,1> = v0
          %2 map<3,1> = (v0 * 2)
          %3 map<3,1> = (%0 x<3,1> < 0)
      "
    `));

  test('maps run inside the reduction that reads them; reductions of one shape share a loop', () =>
    expect(
      printed([x], [o.sum(mul(x, x), { axes: 1 }), o.sum(x, { axes: 1 })]),
    ).toMatchInlineSnapshot(`
      "
      in  %0 x: float32[6]
      out %1 reduce: float32[2], %2 reduce: float32[2]
      loop [2] sum over [3]
          %1 reduce<1> = (%0 x<3,1> * %0 x<3,1>)
          %2 reduce<1> = %0 x<3,1>
      "
    `));

  test('maps in a row become loops of bounded depth, before a reduction too', async () => {
    const steps = 3000;
    const chain = (x: T): T => {
      let y = x;
      for (let k = 0; k < steps; k++) y = o.sin(add(mul(y, 0.5), x));
      return y;
    };
    let [sine, slope] = [0.3, 1];
    for (let k = 0; k < steps; k++) {
      const angle = sine * 0.5 + 0.3;
      [sine, slope] = [Math.sin(angle), Math.cos(angle) * (slope * 0.5 + 1)];
    }
    const x = f64([0.3]);
    expect((await valuesOf(chain(x)))[0]).toBeCloseTo(sine, 14);
    expect((await valuesOf(o.sum(chain(x))))[0]).toBeCloseTo(sine, 14);
    expect((await gradientOf((p) => o.sum(chain(p)), x))[0]).toBeCloseTo(slope, 14);
    const rows = input('x', [4]);
    const { code } = lower([rows], [chain(rows)]);
    expect(code.length).toBeGreaterThan(10);
    expect(code.length).toBeLessThan(60);
  });

  test('of a long sum of terms the terms are not stored', () => {
    const rows = input('x', [1000]);
    let total: T = rows;
    for (let k = 1; k <= 900; k++) {
      const d = add(rows, k / 100);
      total = add(total, o.exp(mul(mul(d, d), -0.5)));
    }
    const stored = (r: T): number =>
      lower([rows], [r]).slots.reduce((n, { size }) => n + size, 0) / 1000;
    // The input, the result, what is known after every 256 terms, and a term or two where loops part.
    expect(stored(total)).toBeLessThan(12);
    expect(stored(o.sum(total))).toBeLessThan(12);
  });

  test('a costly map runs inside a reduction, however often that reads it, but not inside two', () => {
    const rows = input('x', [1000]);
    expect(kinds(lower([rows], [o.sum(o.softplus(rows))]))).toEqual(['loop']);
    const e = o.exp(rows);
    const two = [o.sum(e), o.max(mul(e, rows))];
    expect(lower([rows], two).slots.filter(({ size }) => size === 1000)).toHaveLength(2);
  });

  test('windows that are stacked are one loop of copies', () => {
    const t = input('t', [6]);
    const windows = o.stack([o.slice(t, 0, 0, 4), o.slice(t, 0, 1, 4), o.slice(t, 0, 2, 4)]);
    expect(printed([t], [o.sum(windows, { axes: 0 })])).toMatchInlineSnapshot(`
      "
      in  %0 t: float32[6]
      out %1 reduce: float32[4]
      scratch 48 bytes
      loop [1,4]
          %2 concat<4,1> = %0 t<0,1>
          %2 concat+4<4,1> = %0 t+1<0,1>
          %2 concat+8<4,1> = %0 t+2<0,1>
      loop [4] sum over [3]
          %1 reduce<1> = %2 concat<1,4>
      "
    `);
  });
});

describe('plan', () => {
  const x = input('x', [8]);
  const chain = (n: number): T => {
    let y: T = x;
    for (let i = 0; i < n; i++)
      y = mul(o.flip(o.broadcastTo(o.sum(y, { axes: 0, keepDims: true }), [8])), x);
    return y;
  };

  test('scratch is used again when its value is dead', () => {
    const scratch = (n: number): number =>
      lower([x], [chain(n)]).scratch.reduce((a, b) => a + b, 0);
    expect(scratch(20)).toBe(scratch(4));
  });

  test('arenas are cut where the device binds no more', () => {
    const big = input('big', [16, 16]);
    const a = o.sum(matmul(big, matmul(big, matmul(big, big))));
    const p = lower([big], [a], { limits: { bindingBytes: 1024, buffers: 8 } });
    expect(p.scratch).toEqual([1024, 1024]);
    expect(() => lower([big], [a], { limits: { bindingBytes: 512, buffers: 8 } })).toThrow(
      'plan: "big" needs 1024 bytes, but the backend binds 512',
    );
  });

  test('a donated input is updated in place', () => {
    const [m, g] = [input('m', [4]), input('g', [4])];
    expect(printed([m, g], [add(mul(m, 0.9), g)], { donations: [[0, 0]] })).toMatchInlineSnapshot(`
      "
      in  %0 m: float32[4], %1 g: float32[4]
      out %0 m: float32[4]
      donated %0
      loop [4]
          %0 m<1> = ((%0 m<1> * 0.9) + %1 g<1>)
      "
    `);
  });

  test('but not where its old value is read later, or elsewhere', () => {
    const [m, g] = [input('m', [4]), input('g', [4])];
    const shared = (results: T[]): boolean => {
      const p = lower([m, g], results, { donations: [[0, 0]] });
      return p.outputs[0] === p.inputs[0];
    };
    expect(shared([add(m, g)])).toBe(true);
    expect(shared([add(m, g), o.sum(m)])).toBe(true); // the sum comes first
    expect(shared([o.flip(add(m, g))])).toBe(false);
    expect(shared([add(o.flip(m), g)])).toBe(false);
    expect(shared([o.cumsum(m)])).toBe(false);
  });

  test('in place at any order of outs: values as without donation', () => {
    const [a, c] = [input('a', [4]), input('c', [4])];
    const p = lower([a, c], [c, a], {
      donations: [
        [0, 0],
        [1, 1],
      ],
    });
    expect(p.outputs).toEqual(p.inputs);
    expect(p.code.length).toBe(1);
  });
});

test('every instruction lists its buffers', () => {
  const p = lower([xs, w, u, b], [rnn()]);
  const check = (q: Program): void =>
    q.code.forEach((i: Instr) => {
      expect(i.buffers.length).toBeGreaterThan(0);
      if (i.kind === 'scan') check(i.body);
    });
  check(p);
});
