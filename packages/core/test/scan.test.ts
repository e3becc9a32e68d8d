/** Scans against plain loops: unrolled by hand, row by row, each row only over the steps that count. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { param, type Tensor } from '../src/graph/tensor.ts';
import * as o from '../src/index.ts';
import type { Program } from '../src/ir/program.ts';
import { hostKey, uniform } from '../src/random.ts';
import { lower } from './lowered.ts';
import { backend, expectError, f64, i32, valuesOf } from './support.ts';

const { add, mul, scan, tensor } = o;

interface Params {
  w: Tensor; // [I, H]
  u: Tensor; // [H, H]
  h0: Tensor; // [B, H]
}

const { tanh, sigmoid, sin, softplus } = o;
const activations = { tanh, sigmoid, sin, softplus };
type Activation = keyof typeof activations;

interface Cell {
  readonly activation: Activation;
  /** Feeds the shared counter and the row's own counter into the state. */
  readonly counts: boolean;
  /** A loop inside each step. */
  readonly nested: boolean;
  /** Another product, of what the first one gave. */
  readonly deep: boolean;
}

interface State {
  h: Tensor; // [B, H]
  mine: Tensor; // int32 [B], counts the row's own steps
  clock: Tensor; // int32 [], counts all steps
  seen: Tensor; // bool [B]
}

function next(cell: Cell, p: Params, s: State, x: Tensor): [State, { y: Tensor; mine: Tensor }] {
  const z = add(o.matmul(x, p.w), o.matmul(s.h, p.u)); // [B, H]
  const rows = o.cast(o.broadcastTo(o.expandDims(s.mine, 1), z.shape), z.dtype);
  const shifted = cell.counts ? add(z, mul(rows, 0.1)) : z;
  let h = activations[cell.activation](shifted);
  if (cell.nested) {
    const [inner] = scan(
      (c: Tensor, k: Tensor) => [o.tanh(add(c, mul(s.h, k))), null],
      h,
      f64([0.5, -0.25]),
    );
    h = inner;
  }
  if (cell.deep) h = add(h, o.tanh(o.matmul(h, p.u)));
  const after = {
    h,
    mine: add(s.mine, 1),
    clock: add(s.clock, 1),
    seen: o.logicalNot(s.seen),
  };
  return [after, { y: mul(h, 2), mine: s.mine }];
}

interface Case extends Cell {
  readonly seed: number;
  readonly time: number;
  readonly batch: number;
  readonly reverse: boolean;
  readonly ragged: 'no' | 'lengths' | 'mask';
  readonly checkpoint: number | true | undefined;
}

const cases: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(1 << 30),
  time: fc.integer({ min: 1, max: 7 }),
  batch: fc.integer({ min: 1, max: 3 }),
  activation: fc.constantFrom<Activation>('tanh', 'sigmoid', 'sin', 'softplus'),
  counts: fc.boolean(),
  nested: fc.boolean(),
  deep: fc.boolean(),
  reverse: fc.boolean(),
  ragged: fc.constantFrom('no' as const, 'lengths' as const, 'mask' as const),
  checkpoint: fc.constantFrom(undefined, 1, 2, 3, 9, true as const),
});

const [I, H] = [2, 4];

function draw(seed: number, shape: readonly number[]): number[] {
  const n = shape.reduce((a, b) => a * b, 1);
  return [...uniform(hostKey(seed), n)].map((v) => v * 2 - 1);
}

/** Which steps of which rows count, [time][batch]. */
function activity({ seed, time, batch, ragged }: Case): boolean[][] {
  const noise = draw(seed + 5, [batch * (time + 1)]);
  const lengths = noise.slice(0, batch).map((v) => Math.floor(((v + 1) / 2) * (time + 1)));
  return Array.from({ length: time }, (_, t) =>
    Array.from({ length: batch }, (_, b) => {
      if (ragged === 'no') return true;
      if (ragged === 'lengths') return t < (lengths[b] as number);
      return (noise[batch + t * batch + b] as number) > -0.3;
    }),
  );
}

const counter = (n: number): Tensor => o.zeros([n], 'int32');

/** Loss, last carry and ys by `scan`. */
function scanned(c: Case, active: boolean[][], p: Params, x: Tensor) {
  const lengths = i32(
    Array.from({ length: c.batch }, (_, b) => active.filter((row) => row[b]).length),
  );
  return scan(
    (s: State, xt: Tensor) => next(c, p, s, xt),
    {
      h: p.h0,
      mine: counter(c.batch),
      clock: o.scalar(0, 'int32'),
      seen: o.zeros([c.batch], 'bool'),
    },
    x,
    {
      reverse: c.reverse,
      ...(c.ragged === 'lengths' ? { lengths } : {}),
      ...(c.ragged === 'mask' ? { mask: tensor(active) } : {}),
      ...(c.checkpoint === undefined ? {} : { checkpoint: c.checkpoint }),
    },
  );
}

/** The same by unrolled graphs, one row after another, over its own steps only. */
function unrolled(c: Case, active: boolean[][], p: Params, x: Tensor) {
  const rows = Array.from({ length: c.batch }, (_, b) => {
    let s: State = {
      h: o.slice(p.h0, 0, b, 1),
      mine: counter(1),
      clock: o.scalar(0, 'int32'),
      seen: o.zeros([1], 'bool'),
    };
    const ys: Tensor[] = Array.from({ length: c.time }, () => o.zeros([1, H], 'float64'));
    const counts: Tensor[] = Array.from({ length: c.time }, () => counter(1));
    for (let n = 0; n < c.time; n++) {
      const t = c.reverse ? c.time - 1 - n : n;
      if (!active[t]?.[b]) continue;
      const [after, out] = next(c, p, s, o.slice(o.at(x, t), 0, b, 1));
      s = after;
      ys[t] = out.y;
      counts[t] = out.mine;
    }
    return { s, ys: o.stack(ys), counts: o.stack(counts) };
  });
  const join = (f: (r: (typeof rows)[number]) => Tensor, axis: number): Tensor =>
    o.concat(rows.map(f), axis);
  const state = {
    h: join((r) => r.s.h, 0),
    mine: join((r) => r.s.mine, 0),
    clock: o.scalar(c.time, 'int32'),
    seen: join((r) => r.s.seen, 0),
  };
  return [state, { y: join((r) => r.ys, 1), mine: join((r) => r.counts, 1) }] as const;
}

type Both = readonly [State, { y: Tensor; mine: Tensor }];

/** Everything that can be compared: results, and gradients of a loss that reads all of them. */
function outcome(f: (p: Params, x: Tensor) => Both, p: Params, x: Tensor, weights: Tensor) {
  const loss = (q: { p: Params; x: Tensor }): Tensor => {
    const [last, ys] = f(q.p, q.x);
    return add(o.sum(mul(ys.y, weights)), o.sum(o.square(last.h)));
  };
  const [value, gradient] = o.valueAndGrad(loss)({ p, x });
  const [last, ys] = f(p, x);
  return { value, gradient, last, ys };
}

test(
  'a scan is a plain loop, ragged or not, both ways, checkpointed or not, and so is its gradient',
  {
    timeout: 60_000,
  },
  () =>
    fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const active = activity(c);
        const p: Params = {
          w: f64({ data: Float64Array.from(draw(c.seed, [I, H])), shape: [I, H] } as never),
          u: f64({ data: Float64Array.from(draw(c.seed + 1, [H, H])), shape: [H, H] } as never),
          h0: f64({
            data: Float64Array.from(draw(c.seed + 2, [c.batch, H])),
            shape: [c.batch, H],
          } as never),
        };
        const shape = [c.time, c.batch, I];
        const clean = draw(c.seed + 3, shape);
        const dirty = clean.map((v, k) =>
          active[Math.floor(k / (c.batch * I))]?.[Math.floor(k / I) % c.batch] ? v : Number.NaN,
        );
        const host = (data: number[]): Tensor =>
          f64({ data: Float64Array.from(data), shape } as never);
        const weights = f64({
          data: Float64Array.from(draw(c.seed + 4, [c.time * c.batch * H])),
          shape: [c.time, c.batch, H],
        } as never);
        const got = o.flatten(
          await o.run(
            backend,
            outcome((q, x) => scanned(c, active, q, x), p, host(dirty), weights),
          ),
        );
        const want = o.flatten(
          await o.run(
            backend,
            outcome((q, x) => unrolled(c, active, q, x), p, host(clean), weights),
          ),
        );
        for (const [k, t] of (got.leaves as Tensor[]).entries()) {
          const g = [...(await t.read()).data];
          const w = [...(await (want.leaves[k] as Tensor).read()).data];
          g.forEach((v, i) => {
            const expected = w[i] as number;
            if (!(Math.abs(v - expected) <= 1e-9 * (1 + Math.abs(expected))))
              expect.fail(`${got.shape.paths[k]}[${i}]: ${v}, want ${expected}`);
          });
          t.dispose();
          want.leaves[k]?.dispose();
        }
      }),
      { numRuns: 60 },
    ),
);

describe('what xs and carries may be', () => {
  test('no xs: the option length tells', async () => {
    const [last, ys] = scan((n: Tensor) => [mul(n, 2), n], o.scalar(1, 'int32'), null, {
      length: 5,
    });
    expect(await valuesOf(last)).toEqual([32]);
    expect(await valuesOf(ys)).toEqual([1, 2, 4, 8, 16]);
  });
  test('no ys, no carry, trees of xs', async () => {
    const [last, ys] = scan(
      (c: null, x: { a: Tensor; b: Tensor[] }) => [c, add(x.a, x.b[0] as Tensor)],
      null,
      { a: f64([1, 2]), b: [f64([10, 20])] },
    );
    expect(last).toBe(null);
    expect(await valuesOf(ys)).toEqual([11, 22]);
    const [sum, none] = scan((c: Tensor, x: Tensor) => [add(c, x), null], f64(0), f64([1, 2]));
    expect(none).toBe(null);
    expect(await valuesOf(sum)).toEqual([3]);
  });
  test('one step, a step that ignores its input, ys that are inputs, constants and carries', async () => {
    const [last, ys] = scan(
      (c: Tensor, x: Tensor) => [c, { x, seven: o.scalar(7, 'float64'), c, outer: f64([1]) }],
      f64(3),
      f64([4]),
    );
    expect(await valuesOf(last)).toEqual([3]);
    expect(await valuesOf(ys.x)).toEqual([4]);
    expect(await valuesOf(ys.seven)).toEqual([7]);
    expect(await valuesOf(ys.c)).toEqual([3]);
    expect(await valuesOf(ys.outer)).toEqual([1]);
  });
  test('carries that change places', async () => {
    const [last, ys] = scan(
      ([a, b]: readonly [Tensor, Tensor]) => [[b, a] as const, a],
      [f64([1, 2]), f64([3, 4])] as const,
      null,
      { length: 3 },
    );
    expect(await valuesOf(last[0])).toEqual([3, 4]);
    expect(await valuesOf(last[1])).toEqual([1, 2]);
    expect(await valuesOf(ys)).toEqual([1, 2, 3, 4, 1, 2]);
  });
  test('what a caller may have or not is given on as it is', async () => {
    const counted = (how: { lengths?: Tensor; mask?: Tensor; checkpoint?: number | true }) =>
      scan((n: Tensor) => [add(n, 1), null], i32([0, 0]), null, {
        length: 3,
        lengths: how.lengths,
        mask: how.mask,
        checkpoint: how.checkpoint,
      });
    expect(await valuesOf(counted({})[0])).toEqual([3, 3]);
    expect(await valuesOf(counted({ lengths: i32([1, 2]) })[0])).toEqual([1, 2]);
  });
  test('with lengths, a carry without rows runs on and one with rows stays', async () => {
    const [last] = scan(
      (c: { all: Tensor; mine: Tensor }) => [{ all: add(c.all, 1), mine: add(c.mine, 1) }, null],
      { all: i32(0), mine: i32([0, 0, 0]) },
      null,
      { length: 4, lengths: i32([0, 2, 4]) },
    );
    expect(await valuesOf(last.all)).toEqual([4]);
    expect(await valuesOf(last.mine)).toEqual([0, 2, 4]);
  });
  test('with lengths, ys behind the end are zero', async () => {
    const [, ys] = scan(
      (c: Tensor, x: Tensor) => [c, x],
      i32([0, 0]),
      f64([
        [1, 2],
        [3, 4],
      ]),
      {
        lengths: i32([2, 1]),
      },
    );
    expect(await valuesOf(ys)).toEqual([1, 2, 3, 0]);
  });
  test.each([undefined, 2] as const)(
    'what all rows share is not masked, also with as many units as there are rows (checkpoint %s)',
    async (checkpoint) => {
      const [time, units] = [4, 3];
      const clock = o.reshape(f64(draw(1, [time, units])), [time, units]);
      const w = o.reshape(f64(draw(2, [units, units])), [units, units]);
      const run = (batch: number): Tensor[] => {
        const x = o.reshape(f64(draw(3, [time, 3, units])), [time, 3, units]);
        const [h, ys] = scan(
          (h: Tensor, { x, clock }: { x: Tensor; clock: Tensor }) => {
            const bias = o.broadcastTo(clock, h.shape);
            const next = o.tanh(add(add(o.matmul(x, w), h), bias));
            return [next, { next, clock: mul(clock, 2), ones: o.onesLike(h) }];
          },
          o.zeros([batch, units], 'float64'),
          { x: o.slice(x, 1, 0, batch), clock },
          { lengths: i32([1, 0, 4].slice(0, batch)), ...(checkpoint && { checkpoint }) },
        );
        const two = (t: Tensor, axis: number): Tensor => o.slice(t, axis, 0, 2);
        return [two(h, 0), two(ys.next, 1), ys.clock, two(ys.ones, 1)];
      };
      const alone = run(2);
      for (const [i, t] of run(units).entries())
        expect(await valuesOf(t)).toEqual(await valuesOf(alone[i] as Tensor));
      const ones = await valuesOf(alone[3] as Tensor);
      expect(ones).toEqual([1, 1, 1, ...Array.from({ length: 21 }, () => 0)]);
    },
  );
  /** What says nothing of rows, or mixes them by itself: no sign that an x has none. */
  const ownRows: Record<string, (z: Tensor) => Tensor> = {
    'a gradient that stops': o.stopGradient,
    'a gradient of its own': o.customGradient(
      (z) => mul(z, 2),
      (_inputs, _y, g) => [mul(g, 2)],
    ),
    'a mean over the batch': (z) => o.sub(z, o.mean(z, { axes: 0, keepDims: true })),
    'a loop inside': (z) =>
      scan((c: Tensor, r: Tensor) => [add(c, r), c], o.zerosLike(z), o.stack([z, z]))[0],
  }; // prettier-ignore
  test.each(Object.entries(ownRows))('an x with rows stays one beside %s', async (_, f) => {
    const [time, batch, units] = [3, 2, 3]; // as many steps as units, which is nothing to it
    const w = o.reshape(f64(draw(1, [units, units])), [units, units]);
    const x = o.reshape(f64(draw(2, [time, batch, units])), [time, batch, units]);
    const [, ys] = scan(
      (h: Tensor, { x, z }: { x: Tensor; z: Tensor }) => [o.tanh(add(o.matmul(h, w), x)), f(z)],
      o.zeros([batch, units], 'float64'),
      { x, z: add(x, 5) },
      { lengths: i32([1, 3]) },
    );
    const masked = (await valuesOf(ys)).flatMap((y, i) => (y === 0 ? [i] : []));
    expect(masked).toEqual([6, 7, 8, 12, 13, 14]);
  });
  test.each([
    ['lengths', { lengths: i32([2, 3]) }],
    [
      'a mask',
      {
        mask: tensor([
          [false, true],
          [true, true],
          [true, true],
        ]),
      },
    ],
  ])('steps that do not count take no slope at zero (%s)', async (_, how) => {
    const rows = [
      [1, 3],
      [2, 4],
      [4, 5],
    ]; // prettier-ignore
    const counted = rows.map((row, t) =>
      row.map((x, b) => (b === 1 || ('mask' in how ? t > 0 : t < 2) ? x : Number.NaN)),
    );
    const f = (w: Tensor): Tensor => {
      const step = (c: Tensor, x: Tensor): [Tensor, null] => [add(c, mul(w, o.log(x))), null];
      return o.sum(scan(step, o.zeros([2], 'float64'), f64(counted), how)[0]);
    };
    const logs = counted
      .flat()
      .filter((x) => !Number.isNaN(x))
      .map(Math.log);
    const [slope] = await valuesOf(o.grad(f)(f64(2)));
    expect(slope).toBeCloseTo(
      logs.reduce((a, b) => a + b),
      12,
    );
  });
  test('a filled-up segment takes no slope at zero', async () => {
    const f = (x: Tensor): Tensor =>
      scan((c: Tensor, xt: Tensor) => [add(c, o.log(xt)), null], f64(0), x, { checkpoint: 2 })[0];
    expect(await valuesOf(o.grad((x: Tensor) => f(x))(f64([1, 2, 4])))).toEqual([1, 0.5, 0.25]);
  });
  test.each([false, true])(
    'nor one of the carry after the last step (reverse: %s)',
    async (reverse) => {
      const countdown = (c: Tensor): Tensor => {
        const step = (now: Tensor, x: Tensor): [Tensor, Tensor] => [o.sub(now, x), o.log(now)];
        return o.sum(scan(step, c, o.ones([4], 'float64'), { checkpoint: 3, reverse })[1]);
      };
      const [slope] = await valuesOf(o.grad(countdown)(f64(4)));
      expect(slope).toBeCloseTo(1 / 4 + 1 / 3 + 1 / 2 + 1, 12);
    },
  );
});

describe('errors', () => {
  const step = (c: Tensor, x: Tensor): [Tensor, Tensor] => [add(c, x), x];
  test('nothing to run over', () =>
    expectError('scan-empty', ['steps is undefined', 'as length'], () =>
      scan((c: Tensor) => [c, null], f64(0), null),
    ));
  test.each([0, 1.5, -1])('no whole number of steps: %s', async (length) => {
    await expectError('scan-empty', [`steps is ${length}`, 'whole number'], () =>
      scan((c: Tensor) => [c, null], f64(0), null, { length }),
    );
  });
  test('xs of different lengths name the leaf', () =>
    expectError('shape-mismatch', ['"b"', '3 steps'], () =>
      scan((c: Tensor, x: { a: Tensor; b: Tensor }) => [c, x], f64(0), {
        a: f64([1, 2, 3]),
        b: f64([1, 2]),
      }),
    ));
  test('a carry that changes shape, type or structure names the leaf', async () => {
    await expectError('scan-carry-changed', ['"h"', /\[2\] to float64\[1,2\]/, 'project'], () =>
      scan((c: { h: Tensor }) => [{ h: o.expandDims(c.h, 0) }, null], { h: f64([1, 2]) }, null, {
        length: 2,
      }),
    );
    await expectError('scan-carry-changed', ['"deep.0"', 'float64[] to int32[]'], () =>
      scan(
        (c: { deep: Tensor[] }) => [{ deep: [o.cast(c.deep[0] as Tensor, 'int32')] }, null],
        { deep: [f64(0)] },
        null,
        { length: 2 },
      ),
    );
    await expectError('scan-carry-changed', ['structure', '"c"'], () =>
      scan(
        (s: { h: Tensor; c?: Tensor }) => [{ h: s.h }, null],
        { h: f64(0), c: f64(0) } as { h: Tensor; c?: Tensor },
        null,
        { length: 2 },
      ),
    );
  });
  test('lengths and masks that do not fit', async () => {
    const x = f64([
      [1, 2],
      [3, 4],
    ]);
    const init = f64([0, 0]);
    await expectError('scan-lengths', ['Give one of them'], () =>
      scan(step, init, x, {
        lengths: i32([1, 2]),
        mask: tensor([
          [true, true],
          [true, true],
        ]),
      }),
    );
    await expectError('scan-lengths', ['int32 [batch]'], () =>
      scan(step, init, x, { lengths: f64([1, 2]) }),
    );
    await expectError('scan-lengths', ['bool [time, batch]', '2 steps'], () =>
      scan(step, init, x, { mask: tensor([[true, true]]) }),
    );
    await expectError('scan-lengths', ['3 rows', 'one entry per row'], () =>
      scan(step, init, x, { lengths: i32([1, 2, 2]) }),
    );
  });
  test('checkpoint must be a number of steps', () =>
    expectError('option-invalid', ['checkpoint is 0'], () =>
      scan(step, f64(0), f64([1]), { checkpoint: 0 }),
    ));
});

test('loops may lie in many loops', async () => {
  // Who looks at the whole body again for each operand of its loop takes 3^16 looks here, which is minutes.
  const nested = (depth: number, h: Tensor): Tensor => {
    if (depth === 0) return o.tanh(h);
    const xs = { t: o.reshape(h, [1]), u: o.reshape(mul(h, 0.5), [1]) };
    const [last, y] = scan(
      (c: Tensor, { t, u }: typeof xs): [Tensor, Tensor] => {
        const next = nested(depth - 1, add(c, mul(t, u)));
        return [next, mul(next, t)];
      },
      h,
      xs,
    );
    return add(last, o.sum(y));
  };
  const value = await o.run(backend, nested(16, f64(0)));
  expect([...(await value.read()).data]).toEqual([0]);
});

test('where a step mixes rows, the x that stands in for padding has a gradient', async () => {
  const at = f64([
    [[1], [2]],
    [[3], [4]],
  ]);
  const [time, batch] = [2, 2];
  const mixed = (h: Tensor, x: Tensor): [Tensor, null] => [
    add(h, o.square(o.mean(x, { axes: 0, keepDims: true }))),
    null,
  ];
  const loss = (x: Tensor): Tensor =>
    o.sum(scan(mixed, o.zeros([batch, 1], 'float64'), x, { lengths: i32([time, 1]) })[0]);
  // Steps read (1, 2) and (3, 2), the second row's 2 again; the first row counts both, the second the first one.
  // loss = 2 m1^2 + m2^2 with m1 = (a + b) / 2 and m2 = (c + b) / 2.
  const value = await o.run(backend, loss(at));
  expect([...(await value.read()).data]).toEqual([2 * 1.5 ** 2 + 2.5 ** 2]);
  const slope = await o.run(backend, o.grad(loss)(at));
  expect([...(await slope.read()).data]).toEqual([3, 3 + 2.5, 2.5, 0]);
});

describe('memory of a gradient', () => {
  const scratch = (p: Program): number =>
    p.scratch.reduce((a, b) => a + b, 0) +
    p.code.reduce((n, i) => n + (i.kind === 'scan' ? scratch(i.body) : 0), 0);

  /** Scratch bytes of the program that gives a simple cell's gradient of the last state. */
  function gradientScratch(time: number, checkpoint?: true | number): number {
    const [B, W] = [4, 8];
    const params = {
      w: param([W, W], 'float64', 'w'),
      u: param([W, W], 'float64', 'u'),
      x: param([time, B, W], 'float64', 'x'),
    };
    const gradient = o.grad((p: typeof params) => {
      const [last] = scan(
        (h: Tensor, x: Tensor) => [o.tanh(add(o.matmul(x, p.w), o.matmul(h, p.u))), null],
        o.zeros([B, W], 'float64'),
        p.x,
        checkpoint ? { checkpoint } : {},
      );
      return o.sum(last);
    })(params);
    return scratch(lower(Object.values(params), [gradient.w, gradient.u]));
  }

  test('segments are no longer than the sequence', () => {
    expect(gradientScratch(10, 1000)).toBe(gradientScratch(10, 10));
  });

  test('is linear in time, and about its square root with checkpoint', () => {
    const times = [16, 64, 256, 1024];
    const plain = times.map((t) => gradientScratch(t));
    const saved = times.map((t) => gradientScratch(t, true));
    const growth = (sizes: number[]): number[] =>
      sizes.slice(1).map((s, i) => s / (sizes[i] as number));
    for (const g of growth(plain)) expect(g).toBeGreaterThan(3);
    for (const g of growth(saved)) expect(g, `${saved}`).toBeLessThan(2.3);
    expect(saved[3] as number).toBeLessThan((plain[3] as number) / 8);
  });
});

describe('beside rows', () => {
  const [B, H] = [3, 2];
  const m = f64([
    [0.3, -0.2],
    [0.5, 0.4],
  ]);
  const wide = (n: Tensor): Tensor => o.broadcastTo(n, [B, H]);
  /** What no row gives, for two products in turn to read: by its index, or as a part of a concat. */
  const steps: Record<string, (h: Tensor, n: Tensor) => { h: Tensor; n: Tensor }> = {
    'what differs from one to the next by its index': (h, n) => {
      const places = mul(o.iota([B, H], 0, 'float64'), o.sin(wide(n)));
      const early = add(o.tanh(o.matmul(h, m)), places);
      return { h: add(o.tanh(o.matmul(early, m)), places), n: o.tanh(o.sum(places)) };
    },
    'a part of a concat that all of them share': (h, n) => {
      const same = o.tanh(wide(n));
      const early = o.tanh(o.matmul(o.concat([h, same], 1), o.concat([m, m])));
      return { h: add(o.matmul(early, m), same), n: o.tanh(o.sum(same)) };
    },
  };

  test.each(Object.entries(steps))('%s', async (_, step) => {
    const start = { h: o.zeros([B, H], 'float64'), n: o.scalar(1, 'float64') };
    const [looped] = scan((s: typeof start) => [step(s.h, s.n), null], start, null, { length: 3 });
    let unrolled = start;
    for (let t = 0; t < 3; t++) unrolled = step(unrolled.h, unrolled.n);
    for (const name of ['h', 'n'] as const) {
      const want = await valuesOf(unrolled[name]);
      (await valuesOf(looped[name])).forEach((x, k) => {
        expect(x).toBeCloseTo(want[k] as number, 12);
      });
    }
  });
});
