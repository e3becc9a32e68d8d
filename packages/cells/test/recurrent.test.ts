/** What a lifted cell gives: directions, states, checkpoints, contexts, gradients, starting values, types. */
import {
  at,
  bernoulli,
  broadcastTo,
  einsum,
  flip,
  grad,
  type HostArray,
  type Key,
  key,
  mul,
  slice,
  sum,
  type Tensor,
  tensor,
  uniform,
  valueAndGrad,
  where,
  zeros,
} from '@ostinato/core';
import { reference } from '@ostinato/core/backend';
import { assertClose, isClose } from '@ostinato/golden';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type AnyLayer,
  type Both,
  bidirectional,
  type Cell,
  type Directions,
  elman,
  type GruParams,
  gru,
  type Layer,
  type LstmParams,
  type LstmState,
  lstm,
  type Merge,
  orthogonal,
  recurrent,
  sequential,
  stack,
} from '../src/index.ts';
import { invented } from './invented.ts';
import { backends, evaluate, type Host, int32, numbers, parameters } from './support.ts';

const sizes = { inputs: 3, units: 4 };
const x = numbers(7, [2, 5, 3]);
const close = (got: readonly HostArray[], want: readonly HostArray[]): void => {
  expect(got.length).toBe(want.length);
  want.forEach((w, i) => {
    assertClose(got[i] as HostArray, w, `result ${i}`);
  });
};

type Join = (forward: number, backward: number) => number;

describe.each(backends)('on %s', (_, backend) => {
  test('reverse is forward on the flipped sequence, with outputs at their place', async () => {
    const cell = gru({ ...sizes, reset: 'after' });
    const params = await parameters(cell);
    const there = recurrent(cell, { returns: 'both' });
    const back = recurrent(cell, { returns: 'both', reverse: true });
    const a = await evaluate(backend, (p: GruParams, xs: Tensor) => back.apply(p, xs), params, x);
    const b = await evaluate(
      backend,
      (p: GruParams, xs: Tensor) => {
        const all = there.apply(p, flip(xs, 1));
        return { ...all, sequence: flip(all.sequence, 1) };
      },
      params,
      x,
    );
    close(a, b);
  });

  test('the last output of a cell whose state begins as one tensor in two places', async () => {
    // What came in two steps ago.
    type Two = { readonly now: Tensor; readonly before: Tensor };
    const delay: Cell<null, Two> = {
      init: () => null,
      start: (_params, batch) => {
        const zero = zeros([batch, 3]);
        return { now: zero, before: zero };
      },
      step: (_params, { now, before }, xt) => [{ now: mul(xt, 1), before: now }, before],
    };
    const layer = recurrent(delay, { returns: 'both' });
    const run = (_none: null, xs: Tensor): unknown => {
      const { sequence, last } = layer.apply(null, xs);
      return { last, wanted: at(sequence, 4, 1), known: at(xs, 2, 1) };
    };
    const [known, last, wanted] = await evaluate(backend, run as never, null, x);
    close([last, wanted] as HostArray[], [known, known] as HostArray[]);
  });

  test.each(['last', 'sequence', 'both'] as const)('returns: %s', async (returns) => {
    const cell = invented({ ...sizes, outputs: 2 });
    const params = await parameters(cell);
    const layer = recurrent(cell, { returns });
    const by = (p: never, xs: Tensor): unknown => {
      const states = [cell.start(p, 2)];
      const ys = Array.from({ length: 5 }, (_, t) => {
        const [state, y] = cell.step(p, states[t] as { h: Tensor }, at(xs, t, 1), undefined);
        states.push(state);
        return y;
      });
      return { sequence: ys, last: ys.at(-1), state: states.at(-1) };
    };
    const steps = await evaluate(backend, by, params as never, x);
    const [last, ...rest] = steps as [HostArray, ...HostArray[]];
    const got = await evaluate(
      backend,
      (p: never, xs: Tensor) => layer.apply(p, xs),
      params as never,
      x,
    );
    const sequence = got[returns === 'both' ? 1 : 0] as HostArray;
    if (returns !== 'sequence') assertClose(got[0] as HostArray, last, 'last');
    if (returns !== 'last')
      for (let t = 0; t < 5; t++)
        assertClose(
          {
            data: [0, 1].flatMap((b) => [
              ...sequence.data.slice((b * 5 + t) * 2, (b * 5 + t) * 2 + 2),
            ]),
            shape: [2, 2],
          },
          rest[t] as HostArray,
          `step ${t}`,
        );
    if (returns === 'both') assertClose(got[2] as HostArray, rest[5] as HostArray, 'state');
  });

  test('bidirectional merges the two directions, each with parameters of its own', async () => {
    const cell = gru({ ...sizes, reset: 'after' });
    const pair = [cell, gru({ ...sizes, reset: 'before' })] as const;
    const make = <const M extends Merge>(merge: M) =>
      bidirectional(pair, { merge, returns: 'both' });
    const params = await parameters(make('none'));
    type P = Directions<GruParams>;
    const run = (merge: Merge) =>
      evaluate(
        backend,
        (p: P, xs: Tensor, lengths: Tensor) => {
          const { last, sequence } = make(merge).apply(p, xs, { lengths });
          return { last, sequence };
        },
        params,
        x,
        int32([5, 3], [2]),
      );
    const [backLast, last, backward, forward] = (await run('none')) as HostArray[];
    const joined = (a: HostArray | undefined, b: HostArray | undefined, f: Join): Host => ({
      data: Float32Array.from(a?.data ?? [], (v, i) => f(v, b?.data[i] as number)),
      shape: a?.shape ?? [],
    });
    const joins: Partial<Record<Merge, Join>> = {
      sum: (f, b) => f + b,
      mul: (f, b) => f * b,
      average: (f, b) => (f + b) / 2,
    };
    for (const [merge, f] of Object.entries(joins)) {
      const [l, s] = (await run(merge as Merge)) as HostArray[];
      assertClose(l as HostArray, joined(last, backLast, f), `${merge} last`);
      assertClose(s as HostArray, joined(forward, backward, f), `${merge} sequence`);
    }
    const [l, s] = (await run('concat')) as HostArray[];
    const step = (b: number, t: number): number[] =>
      [...(s?.data ?? [])].slice((b * 5 + t) * 8, (b * 5 + t + 1) * 8);
    for (const [b, n] of [5, 3].entries()) {
      // The forward output of the last step that counts, the backward output of the first.
      const want = [...step(b, n - 1).slice(0, 4), ...step(b, 0).slice(4)];
      expect([...(l?.data ?? [])].slice(b * 8, b * 8 + 8)).toEqual(want);
    }
  });

  test('stack passes states, lengths and keys through layers without a state', async () => {
    const noise: Layer<null> = {
      init: () => null,
      apply: (_, y, how) => (how?.training ? mul(y, uniform(how.key as Key, y.shape)) : y),
    };
    const layer = stack([
      recurrent(lstm(sizes), { returns: 'sequence' }),
      noise,
      recurrent(elman({ inputs: 4, units: 2 }), { returns: 'both' }),
    ]);
    type P = ReturnType<typeof layer.init>;
    const params = await parameters(layer);
    const run = (how: object, seed: number) =>
      evaluate(
        backend,
        (p: P, xs: Tensor, k: Key) => layer.apply(p, xs, { ...how, key: k }),
        params,
        x,
        key(seed),
      );
    const [last, , c, h, top] = (await run({}, 1)) as HostArray[];
    expect([last?.shape, c?.shape, h?.shape]).toEqual([
      [2, 2],
      [2, 4],
      [2, 4],
    ]);
    expect(top?.data).toEqual(last?.data);
    const [a, b] = [await run({ training: true }, 1), await run({ training: true }, 2)];
    expect(a[0]?.data).not.toEqual(last?.data);
    expect(a[0]?.data).not.toEqual(b[0]?.data);
  });

  test('a sequence in two parts with the state between is the whole', async () => {
    const layer = stack([
      recurrent(lstm(sizes), { returns: 'sequence' }),
      recurrent(gru({ inputs: 4, units: 2, reset: 'before' }), { returns: 'both' }),
    ]);
    const params = await parameters(layer);
    type P = ReturnType<typeof layer.init>;
    const whole = await evaluate(backend, (p: P, xs: Tensor) => layer.apply(p, xs), params, x);
    const parts = await evaluate(
      backend,
      (p: P, xs: Tensor) => {
        const first = layer.unroll(p, slice(xs, 1, 0, 2));
        return layer.apply(p, slice(xs, 1, 2), { initial: first.state });
      },
      params,
      x,
    );
    assertClose(parts[0] as HostArray, whole[0] as HostArray, 'last');
    close(parts.slice(2), whole.slice(2));
  });

  test.each([1, 2, 3, 5, true] as const)('checkpoint %s changes no number', async (checkpoint) => {
    const layer = stack([
      bidirectional(lstm(sizes), { merge: 'average', returns: 'sequence' }),
      recurrent(invented({ inputs: 4, units: 3, outputs: 2 }), { returns: 'last' }),
    ]);
    const params = await parameters(layer);
    type P = ReturnType<typeof layer.init>;
    const run = (how: object) =>
      evaluate(
        backend,
        (p: P, xs: Tensor, lengths: Tensor) =>
          valueAndGrad((q: { p: P; xs: Tensor }) => {
            const y = layer.apply(q.p, q.xs, { ...how, lengths });
            return sum(mul(y, y));
          })({ p, xs }),
        params,
        x,
        int32([5, 2], [2]),
      );
    close(await run({ checkpoint }), await run({}));
  });

  test('update: write is keep with the gate turned round', async () => {
    const keep = gru({ ...sizes, reset: 'before' });
    const write = gru({ ...sizes, reset: 'before', update: 'write' });
    const params = await parameters(keep);
    const negated = (p: GruParams): GruParams => {
      const flipZ = (t: Tensor | null): Tensor => {
        const sign = {
          data: Float32Array.from([1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1]),
          shape: [12],
        };
        return mul(t as Tensor, broadcastTo(tensor(sign), (t as Tensor).shape));
      };
      return {
        kernel: flipZ(p.kernel),
        recurrent: flipZ(p.recurrent),
        bias: flipZ(p.bias),
        recurrentBias: null,
      };
    };
    const layer = (cell: typeof keep) => recurrent(cell, { returns: 'sequence' });
    close(
      await evaluate(
        backend,
        (p: GruParams, xs: Tensor) => layer(write).apply(negated(p), xs),
        params,
        x,
      ),
      await evaluate(backend, (p: GruParams, xs: Tensor) => layer(keep).apply(p, xs), params, x),
    );
  });

  test('prepare runs once per sequence: one dropout mask for all steps', async () => {
    const cell: Cell<null, Tensor, Tensor, Tensor, Tensor | null> = {
      init: () => null,
      start: (_p, batch) => zeros([batch, 3]),
      prepare: (_p, how) => (how.training ? bernoulli(how.key, 0.5, [2, 3]) : null),
      step: (_p, s, xt, mask) => [s, mask ? where(mask, 1, mul(xt, 0)) : xt],
    };
    const layer = recurrent(cell, { returns: 'sequence' });
    const [y] = await evaluate(
      backend,
      (xs: Tensor, k: Key) => layer.apply(null, xs, { key: k, training: true }),
      x,
      key(3),
    );
    const rows = Array.from({ length: 10 }, (_, i) => `${y?.data.slice(i * 3, i * 3 + 3)}`);
    expect(new Set(rows.slice(0, 5)).size).toBe(1);
    expect(new Set(rows.slice(5)).size).toBe(1);
    expect(new Set(y?.data)).toEqual(new Set([0, 1]));
    const [plain] = await evaluate(backend, (xs: Tensor) => layer.apply(null, xs), x);
    expect([...(plain?.data ?? [])]).toEqual([...x.data]);
    await expect(
      evaluate(backend, (xs: Tensor) => layer.apply(null, xs, { training: true }), x),
    ).rejects.toThrow('how.key is missing');
  });

  // The last normal that this key gives is 0.
  const zero = 13269548;
  test.each([
    [6, 6, 1],
    [5, 20, 1],
    [7, 3, 1],
    [4, 4, zero],
  ])('orthogonal [%i, %i] of key %i', async (rows, columns, seed) => {
    const [gram] = await evaluate(
      backend,
      (k: Key) => {
        const q = orthogonal(k, [rows, columns]);
        return rows <= columns ? einsum('ac,bc->ab', q, q) : einsum('ca,cb->ab', q, q);
      },
      key(seed),
    );
    const n = Math.min(rows, columns);
    const want = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
    expect(isClose(gram as HostArray, { data: want, shape: [n, n] })).toBe(true);
  });
});

test('lstm remembers at first: the bias of its forget gate is 1, as in Keras', async () => {
  const { bias } = (await parameters(lstm(sizes))) as unknown as { bias: Host };
  expect([...bias.data]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  const none = (await parameters(lstm({ ...sizes, forgetBias: 0 }))) as unknown as { bias: Host };
  expect(new Set(none.bias.data)).toEqual(new Set([0]));
});

test('the gradient of a cell of one’s own agrees with central differences in float64', async () => {
  const layer = bidirectional(invented({ ...sizes, outputs: 2 }), {
    merge: 'sum',
    returns: 'sequence',
  });
  type P = ReturnType<typeof layer.init>;
  const narrow = await parameters(layer);
  const double = (h: unknown, move = 0, seed = { n: 0 }): unknown => {
    if (typeof h !== 'object' || h === null) return h;
    if ('data' in h) {
      const { data, shape } = h as Host;
      const direction = numbers(seed.n++ + 50, shape).data;
      return {
        data: Float64Array.from(data, (v, i) => v + move * (direction[i] as number)),
        shape,
      };
    }
    return Object.fromEntries(
      Object.keys(h)
        .sort()
        .map((k) => [k, double((h as Record<string, unknown>)[k], move, seed)]),
    );
  };
  const given = { p: narrow, x };
  const lossOf = (q: { p: P; x: Tensor }): Tensor => {
    const y = layer.apply(q.p, q.x);
    return sum(mul(y, mul(y, y)));
  };
  const backend = reference() as never;
  const loss = async (move: number): Promise<number> => {
    const [value] = await evaluate(backend, lossOf as never, double(given, move));
    return value?.data[0] as number;
  };
  const h = 1e-5;
  const numeric = ((await loss(h)) - (await loss(-h))) / (2 * h);
  const gradient = await evaluate(backend, grad(lossOf as never) as never, double(given));
  const exact = gradient.reduce((total, g, i) => {
    const direction = numbers(i + 50, g.shape).data;
    return total + direction.reduce((s, d, k) => s + d * (g.data[k] as number), 0);
  }, 0);
  expect(Math.abs(numeric - exact) / Math.abs(numeric)).toBeLessThan(1e-7);
});

test('types follow the options', () => {
  const cell = lstm(sizes);
  const last = recurrent(cell, { returns: 'last' });
  expectTypeOf(last.apply).returns.toEqualTypeOf<Tensor>();
  const both = recurrent(cell, { returns: 'both' });
  expectTypeOf(both.apply).returns.toEqualTypeOf<Both<LstmState, Tensor>>();
  const pair = bidirectional(cell, { merge: 'none', returns: 'sequence' });
  expectTypeOf(pair.apply).returns.toEqualTypeOf<Directions<Tensor>>();
  expectTypeOf(pair.init).returns.toEqualTypeOf<Directions<LstmParams>>();
  const stacked = stack([recurrent(cell, { returns: 'sequence' }), both]);
  expectTypeOf(stacked.apply).returns.toEqualTypeOf<
    Both<readonly [LstmState, LstmState], Tensor>
  >();
  // @ts-expect-error: a pair of outputs is no input of a cell
  sequential([pair, last]);
});

describe('a list of unknown length', () => {
  const cell = lstm({ inputs: 3, units: 3 });
  const both = recurrent(cell, { returns: 'both' });
  const sequences = (count: number) =>
    Array.from({ length: count }, () => recurrent(cell, { returns: 'sequence' }));
  interface Halves {
    readonly left: Tensor;
  }
  const split: Layer<null, Tensor, Halves> = { init: () => null, apply: (_, t) => ({ left: t }) };
  const halves: readonly Layer<null, Halves, Halves>[] = [{ init: () => null, apply: (_, t) => t }];
  interface Sides extends Halves {
    readonly right: Tensor;
  }
  const mirror: Layer<null, Halves, Sides> = {
    init: () => null,
    apply: (_, { left }) => ({ left, right: left }),
  };
  const keep: Layer<null, Sides, Sides> = { init: () => null, apply: (_, t) => t };

  test('takes what its layers take and gives what they give', () => {
    const layers = stack(sequences(2));
    expectTypeOf(layers.init).returns.toEqualTypeOf<readonly LstmParams[]>();
    const y: Tensor = layers.apply(layers.init(key(0)), zeros([2, 5, 3]));
    expect(y.shape).toEqual([2, 5, 3]);
    const row = sequential(sequences(2));
    expectTypeOf(row.apply).parameter(1).toEqualTypeOf<Tensor>();
    expectTypeOf(row.apply).returns.toEqualTypeOf<Tensor>();
  });

  test('may have other layers before and behind it', () => {
    const layers = stack([...sequences(2), both]);
    const y = layers.apply(layers.init(key(0)), zeros([2, 5, 3]));
    expectTypeOf(y).toEqualTypeOf<Both<readonly [...LstmState[], LstmState], Tensor>>();
    expect(y.state.length).toBe(3);
    const begun = sequential([split, ...halves]);
    expectTypeOf(begun.apply).parameter(1).toEqualTypeOf<Tensor>();
    expectTypeOf(begun.apply).returns.toEqualTypeOf<Halves>();
  });

  test('may be empty: then the layer behind it is the first or the one before it the last', () => {
    const layers = sequential([...sequences(0), split]);
    expectTypeOf(layers.apply).parameter(1).toEqualTypeOf<Tensor>();
    expect(layers.apply([null], zeros([1])).left.shape).toEqual([1]);
    expectTypeOf(sequential([mirror, ...halves]).apply).returns.toEqualTypeOf<Sides | Halves>();
    expectTypeOf(sequential([...[keep].slice(), mirror]).apply)
      .parameter(1)
      .toExtend<Sides>();
  });

  test('is refused where its layers do not fit', () => {
    // @ts-expect-error: what one gives is no input of the next
    stack([both, both].slice(0, 1));
    // @ts-expect-error: nor of the layer behind the list
    sequential([...halves, both]);
    // @ts-expect-error: nor is what the layer before it gives
    sequential([split, ...sequences(1)]);
    // @ts-expect-error: nor is that where the list is empty
    sequential([split, ...[mirror].slice(), keep]);
    // @ts-expect-error: two layers behind the list
    sequential([...sequences(1), split, both]);
    const any: readonly AnyLayer[] = sequences(2); // of which nothing is known
    expect(sequential(any).init(key(0))).toHaveLength(2);
  });
});
