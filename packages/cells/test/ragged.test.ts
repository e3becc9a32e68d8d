/** A batch of rows of any lengths, padded anyhow, gives what each row gives alone: outputs, states and gradients. */
import {
  add,
  type Feed,
  flatten,
  grad,
  type HostArray,
  mul,
  sum,
  type Tensor,
  tensor,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { assertClose } from '@ostinato/golden';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bidirectional,
  elman,
  gru,
  type How,
  lstm,
  type Recurrent,
  recurrent,
  stack,
} from '../src/index.ts';
import { invented } from './invented.ts';
import {
  backends,
  evaluate,
  type Host,
  int32,
  launches,
  numbers,
  parameters,
  perStep,
  programOf,
  sizeOf,
} from './support.ts';

const FEATURES = 3;
const sizes = { inputs: FEATURES, units: 4 };
const both = { returns: 'both' } as const;
const layers: Record<string, unknown> = {
  elman: recurrent(elman(sizes), both),
  lstm: recurrent(lstm(sizes), both),
  'lstm in reverse': recurrent(lstm(sizes), { ...both, reverse: true }),
  'gru after': recurrent(gru({ ...sizes, reset: 'after' }), both),
  'gru before in reverse': recurrent(gru({ ...sizes, reset: 'before' }), {
    ...both,
    reverse: true,
  }),
  'a cell of one’s own': recurrent(invented({ ...sizes, outputs: 2 }), both),
  'a cell of one’s own in reverse': recurrent(invented({ ...sizes, outputs: 2 }), {
    ...both,
    reverse: true,
  }),
  bidirectional: bidirectional(lstm(sizes), { merge: 'concat', ...both }),
  stack: stack([
    bidirectional(gru({ ...sizes, reset: 'after' }), { merge: 'sum', returns: 'sequence' }),
    recurrent(lstm({ inputs: 4, units: 5 }), both),
  ]),
};
type AnyLayer = Recurrent<unknown, unknown>;

/** Which steps of which rows count. */
type Valid = readonly (readonly boolean[])[];
type Outputs = Record<string, HostArray>;

const stepsOf = (row: readonly boolean[]): number[] => row.flatMap((on, t) => (on ? [t] : []));

/** [batch, time, ...] or [batch, ...] cut to some rows, and the first of these to some steps. */
function cut({ data, shape }: Host, rows: readonly number[], steps?: readonly number[]): Host {
  const [, time = 1] = shape;
  const inner = sizeOf(shape.slice(steps ? 2 : 1));
  const at = rows.flatMap((b) => (steps ? steps.map((t) => (b * time + t) * inner) : [b * inner]));
  return {
    data: Float32Array.from(at.flatMap((i) => [...data.subarray(i, i + inner)])),
    shape: steps
      ? [rows.length, steps.length, ...shape.slice(2)]
      : [rows.length, ...shape.slice(1)],
  };
}

/** All outputs of a layer and the gradients of a loss that weighs each of their elements. */
async function everything(
  backend: Backend<never>,
  layer: AnyLayer,
  params: unknown,
  x: Host,
  how: Feed<How>,
  weigh: (leaf: Tensor, path: string, seed: number) => Host,
): Promise<Outputs> {
  let paths: string[] = [];
  const f = (p: unknown, xs: Tensor, h: How): unknown => {
    const lossOf = (q: { p: never; x: Tensor }): Tensor => {
      const { leaves, shape } = flatten(layer.apply(q.p, q.x, h));
      const parts = leaves.map((t, i) =>
        sum(mul(t, tensor(weigh(t, shape.paths[i] as string, i)))),
      );
      return parts.reduce((a, b) => add(a, b));
    };
    const given = { p, x: xs };
    const all = { out: layer.apply(p, xs, h), d: grad(lossOf as never)(given as never) };
    paths = [...flatten(all).shape.paths];
    return all;
  };
  const read = await evaluate(backend, f, params as never, x, how as never);
  return Object.fromEntries(read.map((value, i) => [paths[i] as string, value]));
}

const cotangent =
  (batch: number, time: number) =>
  (leaf: Tensor, path: string, seed: number): Host =>
    numbers(
      seed + 100,
      path === 'sequence' ? [batch, time, ...leaf.shape.slice(2)] : [batch, ...leaf.shape.slice(1)],
    );

async function batched(
  backend: Backend<never>,
  layer: AnyLayer,
  params: unknown,
  x: Host,
  how: Feed<How>,
): Promise<Outputs> {
  const [batch, time] = x.shape as [number, number];
  return everything(backend, layer, params, x, how, cotangent(batch, time));
}

/** The same from running each row alone, over its valid steps only, put together again. */
async function oneByOne(
  backend: Backend<never>,
  layer: AnyLayer,
  params: unknown,
  x: Host,
  valid: Valid,
  like: Outputs,
): Promise<Outputs> {
  const [batch, time] = x.shape as [number, number];
  const total: Record<string, Host> = {};
  for (const [path, { shape }] of Object.entries(like))
    total[path] = { data: new Float32Array(sizeOf(shape)), shape };
  const weigh = cotangent(batch, time);
  for (const [b, row] of valid.entries()) {
    const steps = stepsOf(row);
    if (steps.length === 0) continue; // zeros, which is what the cells here start from
    const alone = await everything(backend, layer, params, cut(x, [b], steps), {}, (t, path, i) =>
      cut(weigh(t, path, i), [b], path === 'sequence' ? steps : undefined),
    );
    for (const [path, { data, shape }] of Object.entries(alone)) {
      const { data: sink } = total[path] as Host;
      const timed = path === 'out.sequence' || path === 'd.x';
      const inner = sizeOf(shape.slice(timed ? 2 : 1));
      const place = (k: number): number => {
        if (path.startsWith('d.p')) return k;
        if (!timed) return b * inner + k;
        const t = steps[Math.floor(k / inner)] as number;
        return (b * time + t) * inner + (k % inner);
      };
      for (let k = 0; k < data.length; k++)
        sink[place(k)] = (sink[place(k)] as number) + (data[k] as number);
    }
  }
  return total as unknown as Outputs;
}

/** x with NaN wherever nobody may look. */
function poisoned(x: Host, valid: Valid): Host {
  const data = Float32Array.from(x.data);
  const time = x.shape[1] as number;
  for (const [b, row] of valid.entries())
    for (const [t, on] of row.entries())
      if (!on) data.fill(Number.NaN, (b * time + t) * FEATURES, (b * time + t + 1) * FEATURES);
  return { data, shape: x.shape };
}

const howOf = (valid: Valid, kind: 'lengths' | 'mask'): Feed<How> => {
  const [batch, time] = [valid.length, valid[0]?.length ?? 0];
  if (kind === 'lengths')
    return {
      lengths: int32(
        valid.map((r) => stepsOf(r).length),
        [batch],
      ),
    };
  const data = Uint32Array.from(valid.flat().map(Number));
  return { mask: { data, shape: [batch, time], dtype: 'bool' } };
};

function expectEqual(got: Outputs, want: Outputs): void {
  expect(Object.keys(got)).toEqual(Object.keys(want));
  for (const [path, tensor] of Object.entries(want))
    assertClose(got[path] as HostArray, tensor, path);
}

const batches = fc
  .record({
    batch: fc.integer({ min: 1, max: 4 }),
    time: fc.integer({ min: 1, max: 5 }),
    padding: fc.constantFrom('right', 'left', 'anywhere'),
    seed: fc.nat(1000),
  })
  .chain(({ batch, time, padding, seed }) =>
    fc
      .array(fc.array(fc.boolean(), { minLength: time, maxLength: time }), {
        minLength: batch,
        maxLength: batch,
      })
      .map((rows) => {
        const ordered = (row: boolean[]): boolean[] => {
          if (padding === 'anywhere') return row;
          return row.toSorted((a, b) => (padding === 'right' ? +b - +a : +a - +b));
        };
        return { x: numbers(seed, [batch, time, FEATURES]), valid: rows.map(ordered), padding };
      }),
  );

describe.each(backends)('ragged batches on %s', (backendName, backend) => {
  test.each(Object.keys(layers))('%s: batched is one by one', { timeout: 60_000 }, async (name) => {
    const layer = layers[name] as AnyLayer;
    const params = await parameters(layer);
    const property = fc.asyncProperty(batches, async ({ x, valid, padding }) => {
      const kind = padding === 'right' ? 'lengths' : 'mask';
      const got = await batched(backend, layer, params, poisoned(x, valid), howOf(valid, kind));
      expectEqual(got, await oneByOne(backend, layer, params, x, valid, got));
    });
    // Each size is a kernel or two more, which take a GPU in software long.
    await fc.assert(property, { numRuns: backendName.startsWith('webgpu') ? 3 : 8 });
  });

  const rows = [
    [true, true, true, false, false],
    [false, false, false, false, false],
    [true, true, true, true, true],
    [true, false, false, false, false],
  ];
  const left = rows.map((row) => row.toReversed());

  test.each(Object.keys(layers))(
    '%s: padding on the left is padding on the right',
    async (name) => {
      const layer = layers[name] as AnyLayer;
      const params = await parameters(layer);
      const right = numbers(5, [4, 5, FEATURES]);
      const shifted = (host: Host): Host =>
        shiftRows(
          host,
          rows.map((row) => 5 - stepsOf(row).length),
        );
      const weigh = cotangent(4, 5);
      const a = await everything(
        backend,
        layer,
        params,
        poisoned(right, rows),
        howOf(rows, 'lengths'),
        weigh,
      );
      const b = await everything(
        backend,
        layer,
        params,
        poisoned(shifted(right), left),
        howOf(left, 'mask'),
        (t, path, i) => (path === 'sequence' ? shifted(weigh(t, path, i)) : weigh(t, path, i)),
      );
      const moved = Object.entries(a).map(([path, value]) => {
        const timed = path === 'out.sequence' || path === 'd.x';
        return [path, timed ? shifted(value as unknown as Host) : value];
      });
      expectEqual(b, Object.fromEntries(moved));
    },
  );

  test('a row without a step ends where it started', async () => {
    const layer = layers.lstm as AnyLayer;
    const params = await parameters(layer);
    const initial = { c: numbers(1, [4, 4]), h: numbers(2, [4, 4]) };
    const run = (p: unknown, x: Tensor, how: object): unknown => layer.apply(p, x, how);
    const how = { ...howOf(rows, 'lengths'), initial };
    const x = poisoned(numbers(5, [4, 5, FEATURES]), rows);
    const [last, sequence, c, h] = await evaluate(backend, run as never, params, x, how);
    const second = (a: { data: ArrayLike<number> } | undefined, n: number): number[] =>
      Array.from(a?.data ?? []).slice(n, 2 * n);
    expect(second(sequence, 20)).toEqual(Array(20).fill(0));
    expect(second(c, 4)).toEqual(second(initial.c, 4));
    expect(second(h, 4)).toEqual(second(initial.h, 4));
    expect(second(last, 4)).toEqual(second(initial.h, 4));
  });
});

/** Moves each row to the right along time, round and round. */
function shiftRows({ data, shape }: Host, by: readonly number[]): Host {
  const [, time = 1] = shape;
  const inner = sizeOf(shape.slice(2));
  const out = new Float32Array(data.length);
  by.forEach((n, b) => {
    for (let t = 0; t < time; t++)
      for (let k = 0; k < inner; k++)
        out[(b * time + ((t + n) % time)) * inner + k] = data[(b * time + t) * inner + k] as number;
  });
  return { data: out, shape };
}

test('a mask costs what lengths cost: padding on the left stays in the fused loop', async () => {
  const layer = recurrent(lstm(sizes), { returns: 'last' });
  const params = await parameters(layer);
  const x = numbers(1, [2, 6, FEATURES]);
  const f = (p: never, xs: Tensor, how: How): unknown => layer.apply(p, xs, how);
  const right = [[true, true, true, false, false, false], Array(6).fill(true)];
  const left = right.map((row) => row.toReversed());
  const lengths = await programOf(f, params as never, x, howOf(right, 'lengths'));
  const mask = await programOf(f, params as never, x, howOf(left, 'mask'));
  expect(perStep(mask)).toEqual(['1 contract, 1 loop']);
  expect(perStep(lengths)).toEqual(perStep(mask));
  expect(mask.code.length).toBeLessThanOrEqual(lengths.code.length);
  expect(launches(mask)).toBe('1 contract, 2 loop, 1 scan'); // zeros, x without its padding
});
