/**
 * Every rule against central differences in float64, along one random direction, iterated from the tables: a new op
 * without a case here does not typecheck.
 */
import { expect, test } from 'vitest';
import { backward } from '../src/autograd/backward.ts';
import { customGradient } from '../src/autograd/index.ts';
import { type Op, param, type Tensor } from '../src/graph/tensor.ts';
import { apply, arg, type ScalarOp } from '../src/ir/expr.ts';
import { einsum } from '../src/ops/contract.ts';
import * as e from '../src/ops/elementwise.ts';
import * as r from '../src/ops/reduce.ts';
import { scan } from '../src/ops/scan.ts';
import { gather, scatterAdd } from '../src/ops/table.ts';
import * as v from '../src/ops/views.ts';
import { hostKey, splitKey, uniform } from '../src/random.ts';
import { evaluate } from './eager.ts';

type Shape = readonly number[];
type F = (...xs: Tensor[]) => Tensor;

interface Case {
  readonly shapes: readonly Shape[];
  readonly f: F;
  /** Where values lie; differentiable there. */
  readonly low?: number;
  readonly high?: number;
}

// Central differences with h = 1e-5 in float64: an error of about h^2 plus 1e-16 / h, relative to the size of f.
const H = 1e-5;
const TOLERANCE = 2e-8;

/** Compares the directional derivative of sum(f * w) with its gradient, and that gradient's own. */
function check(name: string, { shapes, f, low = -1.5, high = 1.5 }: Case): void {
  const all = splitKey(hostKey(name.length + 7), 3 * shapes.length + 1);
  const draw = (k: number, n: number, a: number, b: number): number[] =>
    [...uniform(all[k] as (typeof all)[number], n)].map((u) => a + (b - a) * u);
  const params = shapes.map((s, i) => param(s, 'float64', `x${i}`));
  const at = params.map((p, i) => draw(i, p.size, low, high));
  const direction = params.map((p, i) => draw(shapes.length + i, p.size, -1, 1));
  const y = f(...params);
  const weights = param(y.shape, 'float64', 'w');
  const w = draw(3 * shapes.length, y.size, 0.5, 1.5);
  const loss = r.sum(e.mul(y, weights));
  const given = (xs: readonly (readonly number[])[]) =>
    new Map([...params.map((p, i) => [p, xs[i] as number[]] as const), [weights, w] as const]);
  const moved = (h: number): number[][] =>
    at.map((x, i) => x.map((a, k) => a + h * ((direction[i] as number[])[k] as number)));
  const value = (t: Tensor, h: number): number =>
    (evaluate([t], given(moved(h)))[0] as number[])[0] as number;
  const slope = (t: Tensor): number => (value(t, H) - value(t, -H)) / (2 * H);

  const along = (t: Tensor): Tensor => {
    const grads = backward([t], [e.onesLike(t)], params);
    return grads.reduce<Tensor>(
      (total, g, i) => {
        if (!g) return total;
        const d = param(params[i]?.shape ?? [], 'float64', `d${i}`);
        directions.set(d, direction[i] as number[]);
        return e.add(total, r.sum(e.mul(g, d)));
      },
      e.scalar(0, 'float64'),
    );
  };
  const directions = new Map<Tensor, number[]>();
  const evaluateAll = (t: Tensor, h: number): number =>
    (evaluate([t], new Map([...given(moved(h)), ...directions]))[0] as number[])[0] as number;

  const first = along(loss);
  const size = Math.max(1, Math.abs(value(loss, 0)));
  const error1 = Math.abs(evaluateAll(first, 0) - slope(loss));
  expect(error1, `${name}: first order`).toBeLessThan(
    TOLERANCE * Math.max(size, Math.abs(slope(loss))),
  );

  const second = along(first);
  const slope2 = (evaluateAll(first, H) - evaluateAll(first, -H)) / (2 * H);
  const error2 = Math.abs(evaluateAll(second, 0) - slope2);
  expect(error2, `${name}: second order`).toBeLessThan(
    5 * TOLERANCE * Math.max(size, Math.abs(slope2)),
  );
}

const unary: Pick<Case, 'shapes'> = { shapes: [[3, 4]] };
const positive = { ...unary, low: 0.3, high: 2 };
const pair: Pick<Case, 'shapes'> = {
  shapes: [
    [3, 4],
    [3, 4],
  ],
};
const none = 'no gradient flows through it';

/** Where to check each scalar op; the function itself comes from the table. */
const scalarCases = {
  add: pair,
  sub: pair,
  mul: pair,
  div: { ...pair, low: 0.5, high: 2 },
  rem: { ...pair, low: 0.51, high: 0.99 },
  pow: { ...pair, low: 0.5, high: 2 },
  min: pair,
  max: pair,
  neg: unary,
  abs: unary,
  sign: none,
  floor: none,
  exp: unary,
  log: positive,
  sin: unary,
  cos: unary,
  tanh: unary,
  sigmoid: unary,
  erf: unary,
  sqrt: positive,
  less: none,
  lessEqual: none,
  equal: none,
  and: none,
  or: none,
  xor: none,
  not: none,
  shl: none,
  shr: none,
  select: pair,
} satisfies Record<ScalarOp, Pick<Case, 'shapes' | 'low' | 'high'> | typeof none>;

for (const [name, given] of Object.entries(scalarCases)) {
  if (given === none) continue;
  const op = name as ScalarOp;
  test(`scalar ${name}`, () => {
    const f: F = (...xs) =>
      op === 'select'
        ? e.where(
            e.less(xs[0] as Tensor, xs[1] as Tensor),
            e.mul(xs[0] as Tensor, 3),
            xs[1] as Tensor,
          )
        : e.map(apply(op, ...xs.map((_, i) => arg(i))), xs);
    check(name, { ...(given as Pick<Case, 'shapes'>), f });
  });
}

const ids = (...list: number[]): Tensor =>
  list.map((id) => v.reshape(e.scalar(id, 'int32'), [1])).reduce((a, b) => v.concat([a, b]));

/** One case or more per kind of node. */
const structural: {
  readonly [K in Exclude<Op['kind'], 'param' | 'host' | 'value' | 'pick'>]: Case[];
} = {
  map: [
    { shapes: [[3], [2, 3]], f: (a, b) => e.softplus(e.mul(a as Tensor, b as Tensor)) },
    { shapes: [[4]], f: (x) => e.pow(x as Tensor, 3) },
    { shapes: [[4]], f: (x) => e.clip(e.mul(x as Tensor, 3), -1, 1) },
  ],
  reduce: [
    { shapes: [[2, 3, 4]], f: (x) => r.sum(e.tanh(x as Tensor), { axes: [0, 2] }) },
    { shapes: [[2, 3, 4]], f: (x) => r.max(x as Tensor, { axes: [1, 2] }) },
    { shapes: [[2, 3, 4]], f: (x) => r.min(e.sin(x as Tensor), { axes: 0 }) },
    { shapes: [[3, 4]], f: (x) => r.mean(e.square(x as Tensor), { axes: -1 }) },
    { shapes: [[3, 4]], f: (x) => r.variance(x as Tensor, { axes: -1 }) },
    { shapes: [[3, 4]], f: (x) => r.logSumExp(x as Tensor, { axes: 1 }) },
    { shapes: [[3, 4]], f: (x) => e.square(r.softmax(x as Tensor)) },
    { shapes: [[3, 4]], f: (x) => e.square(r.logSoftmax(x as Tensor, 0)) },
  ],
  contract: [
    {
      shapes: [
        [2, 3],
        [3, 4],
      ],
      f: (a, b) => einsum('bi,io->bo', a as Tensor, b as Tensor),
    },
    {
      shapes: [
        [2, 3, 4],
        [2, 5, 4],
      ],
      f: (a, b) => einsum('bij,bkj->bik', e.tanh(a as Tensor), b as Tensor),
    },
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      f: (a, b) => einsum('ij,ij->', a as Tensor, b as Tensor),
    },
    { shapes: [[3], [2, 4]], f: (a, b) => einsum('i,jk->kij', a as Tensor, b as Tensor) },
  ],
  gather: [{ shapes: [[4, 3]], f: (t) => e.square(gather(t as Tensor, ids(1, 3, 1, 9))) }],
  scatter: [{ shapes: [[4, 3]], f: (x) => e.square(scatterAdd(x as Tensor, ids(1, 0, 1, 7), 3)) }],
  transpose: [{ shapes: [[2, 3, 4]], f: (x) => e.square(v.transpose(x as Tensor, [2, 0, 1])) }],
  broadcast: [{ shapes: [[3, 1]], f: (x) => e.square(v.broadcastTo(x as Tensor, [2, 3, 4])) }],
  reshape: [{ shapes: [[2, 6]], f: (x) => e.square(v.reshape(e.tanh(x as Tensor), [3, 4])) }],
  slice: [
    {
      shapes: [[5, 4]],
      f: (x) => {
        const y = e.tanh(x as Tensor);
        return e.mul(v.slice(y, 0, 1, 2), e.mul(v.slice(y, 0, 2, 2), v.slice(y, 0, 3, 2)));
      },
    },
  ],
  flip: [{ shapes: [[3, 4]], f: (x) => e.mul(v.flip(x as Tensor, 0), x as Tensor) }],
  concat: [
    {
      shapes: [
        [2, 3],
        [1, 3],
      ],
      f: (a, b) => e.square(v.concat([a as Tensor, e.tanh(b as Tensor), a as Tensor], 0)),
    },
    {
      shapes: [[2, 3]],
      f: (x) =>
        e.square(
          e.pad(
            x as Tensor,
            [
              [1, 0],
              [0, 2],
            ],
            3,
          ),
        ),
    },
  ],
  identity: [
    {
      shapes: [[3]],
      f: (x) => e.add(e.square(x as Tensor), e.stopGradient(e.scalar(2, 'float64'))),
    },
  ],
  custom: [
    {
      shapes: [[3]],
      f: customGradient(
        (x) => e.exp(x),
        ([_x], y, g) => [e.mul(g, y)],
      ),
    },
  ],
  scan: scanCases(),
};

function scanCases(): Case[] {
  // Products, reductions, costly and cheap maths, a counter, two carries, outer constants, an xs that skips.
  const step = (u: Tensor, w: Tensor) => (s: { h: Tensor; c: Tensor; n: Tensor }, x: Tensor) => {
    const z = e.add(einsum('bi,io->bo', x, w), einsum('bh,ho->bo', s.h, u));
    const norm = e.sub(z, r.mean(z, { axes: -1, keepDims: true }));
    const c = e.add(e.mul(e.sigmoid(norm), s.c), e.mul(v.slice(x, 1, 0, 3), 0.3));
    const h = e.mul(e.tanh(c), e.sigmoid(z));
    const late = e.less(e.scalar(1, 'int32'), s.n);
    return [
      { h: e.where(late, h, e.mul(h, 0.5)), c, n: e.add(s.n, 1) },
      { y: einsum('bh,ho->bo', h, u), r: r.sum(c, { axes: 1 }) },
    ] as const;
  };
  const start = (c: Tensor) => ({
    h: e.zeros([2, 3], 'float64'),
    c,
    n: e.scalar(0, 'int32'),
  });
  const shapes = [
    [5, 2, 3],
    [3, 3],
    [3, 3],
    [2, 3],
  ];
  const all =
    (options: Parameters<typeof scan>[3]): F =>
    (x, u, w, c) => {
      const [last, ys] = scan(
        step(u as Tensor, w as Tensor),
        start(c as Tensor),
        x as Tensor,
        options,
      );
      return v.concat([
        v.reshape(ys.y, [-1]),
        v.reshape(ys.r, [-1]),
        v.reshape(last.h, [-1]),
        v.reshape(last.c, [-1]),
      ]);
    };
  const mask = e.less(e.rem(e.add(e.iota([5, 2], 0), e.iota([5, 2], 1)), 3), 2);
  return [
    { shapes, f: all({}) },
    { shapes, f: all({ reverse: true }) },
    { shapes, f: all({ lengths: ids(3, 0) }) },
    { shapes, f: all({ lengths: ids(5, 2), reverse: true }) },
    { shapes, f: all({ mask }) },
    { shapes, f: all({ checkpoint: 2 }) },
    { shapes, f: all({ checkpoint: true, reverse: true, lengths: ids(4, 1) }) },
    // A loop in a loop; the inner one starts from the outer carry.
    {
      shapes: [[3, 2], [2, 2], [2]],
      f: (x, u, h0) => {
        const [last, ys] = scan(
          (h: Tensor, xt: Tensor) => {
            const [inner] = scan(
              (k: Tensor, xi: Tensor) =>
                [e.tanh(e.add(einsum('i,io->o', k, u as Tensor), xi)), null] as const,
              h,
              v.broadcastTo(xt, [3, 2]),
            );
            return [inner, e.mul(inner, xt)] as const;
          },
          h0 as Tensor,
          x as Tensor,
        );
        return v.concat([last, v.reshape(ys, [-1])]);
      },
    },
    // A table read inside the loop.
    {
      shapes: [
        [4, 3],
        [2, 3],
      ],
      f: (table, h0) =>
        scan(
          (h: Tensor, id: Tensor) => [e.tanh(e.add(h, gather(table as Tensor, id))), null] as const,
          h0 as Tensor,
          v.reshape(ids(0, 1, 1, 3, 2, 1), [3, 2]),
        )[0],
    },
  ];
}

for (const [kind, cases] of Object.entries(structural))
  cases.forEach((c, i) => {
    test(`${kind} ${i}`, () => check(`${kind} ${i}`, c));
  });

test('stopGradient stops', () => {
  const x = param([2], 'float64', 'x');
  expect(backward([r.sum(e.stopGradient(x))], [e.scalar(1, 'float64')], [x])).toEqual([undefined]);
});

test('a custom gradient is used as it is', () => {
  const x = param([2], 'float64', 'x');
  const straight = customGradient(
    (a) => e.sign(a),
    (_xs, _y, g) => [e.mul(g, 7)],
  );
  const [g] = backward([r.sum(straight(x))], [e.scalar(1, 'float64')], [x]);
  expect(evaluate([g as Tensor], new Map([[x, [1, -2]]]))).toEqual([[7, 7]]);
});

test('a custom gradient has the inputs of its function, by number', () => {
  const [x, w] = [param([2], 'float64', 'x'), param([2], 'float64', 'w')];
  const product = customGradient(
    (a, b) => e.mul(a, b),
    ([a, b], _y, g) => [e.mul(g, b), e.mul(g, a)],
  );
  const gs = backward([r.sum(product(x, w))], [e.scalar(1, 'float64')], [x, w]) as [Tensor, Tensor];
  const values = new Map([
    [x, [1, -2]],
    [w, [3, 4]],
  ]);
  expect(evaluate(gs, values)).toEqual([
    [3, 4],
    [1, -2],
  ]);
  // @ts-expect-error: one input is missing
  expect(() => product(x)).toThrow();
  const any = customGradient(
    (...xs: Tensor[]) => xs[0] as Tensor,
    (xs) => xs.map(() => null),
  );
  expect(any(x, w, x).shape).toEqual([2]);
});

test("the output that a custom gradient's rule reads has that gradient too", () => {
  const x = param([2], 'float64', 'x');
  const likeExp = customGradient(
    (a) => e.square(a as Tensor),
    (_xs, y, g) => [e.mul(g, y)],
  );
  const one = e.scalar(1, 'float64');
  const [first] = backward([r.sum(likeExp(x))], [one], [x]) as [Tensor];
  const [second] = backward([r.sum(first)], [one], [x]) as [Tensor];
  expect(evaluate([first, second], new Map([[x, [0.5, 3]]]))).toEqual([
    [0.25, 9],
    [0.25, 9],
  ]);
});

test('a step of a scan may have more operations in a row than a stack has frames', () => {
  const h = param([1], 'float64', 'h');
  const step = (c: Tensor): readonly [Tensor, null] => {
    let y = c;
    for (let i = 0; i < 20_000; i++) y = e.add(e.mul(y, 0.5), 1);
    return [y, null];
  };
  const [last] = scan(step, h, null, { length: 2 });
  expect(backward([r.sum(last)], [e.scalar(1, 'float64')], [h])).toHaveLength(1);
});
