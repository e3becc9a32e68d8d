/** Random tensors are the host's numbers bit for bit, and have the statistics that they claim. */
import { expect, test } from 'vitest';
import { fail } from '../src/errors.ts';
import * as o from '../src/index.ts';
import * as host from '../src/random.ts';
import { counted } from './spy.ts';
import { i32, valuesOf } from './support.ts';

const seeds = [0, 1, 42, 2 ** 32, 2 ** 53 - 1];

test.each(seeds)("words, keys and uniform numbers of seed %d are the host's", async (seed) => {
  const [k, h] = [o.key(seed), host.hostKey(seed)];
  expect(await valuesOf(k)).toEqual([...h]);
  expect(await valuesOf(o.bits(k, [3, 5]))).toEqual([...host.bits(h, 15)]);
  expect(await valuesOf(o.uniform(k, [100]))).toEqual([...host.uniform(h, 100)]);
  const split = await Promise.all(o.keys(k, 4).map((t) => valuesOf(t)));
  expect(split).toEqual(host.splitKey(h, 4));
  expect(await valuesOf(o.foldKey(k, 7))).toEqual(host.foldKey(h, 7));
  expect(await valuesOf(o.foldKey(k, i32(-1)))).toEqual(host.foldKey(h, -1));
  // A key that was computed is a key.
  expect(await valuesOf(o.bits(o.keys(k, 2)[1] ?? fail('key-invalid', ''), [4]))).toEqual([
    ...host.bits(host.splitKey(h, 2)[1] as host.HostKey, 4),
  ]);
});

test('bits do not depend on how a program is cut', async () => {
  const k = o.key(3);
  const want = [...host.bits(host.hostKey(3), 12)];
  expect(await valuesOf(o.bits(k, [12]), counted().backend)).toEqual(want);
  expect(await valuesOf(o.transpose(o.transpose(o.bits(k, [3, 4]))))).toEqual(want);
  expect(await valuesOf(o.slice(o.bits(k, [12]), 0, 5, 3))).toEqual(want.slice(5, 8));
  expect(await valuesOf(o.flip(o.bits(k, [12])))).toEqual([...want].reverse());
  // Inside a loop, with a key per step.
  const [, ys] = o.scan(
    (n: o.Tensor) => [o.add(n, 1), o.bits(o.foldKey(k, n), [2])],
    i32(0),
    null,
    {
      length: 3,
    },
  );
  expect(await valuesOf(ys)).toEqual(
    [0, 1, 2].flatMap((t) => [...host.bits(host.foldKey(host.hostKey(3), t), 2)]),
  );
});

test('a range of uniform numbers', async () => {
  const u = await valuesOf(o.uniform(o.key(5), [2000], { low: -3, high: 5, dtype: 'float64' }));
  expect(Math.min(...u)).toBeGreaterThanOrEqual(-3);
  expect(Math.max(...u)).toBeLessThan(5);
  expect(u.reduce((a, b) => a + b) / u.length).toBeCloseTo(1, 0);
});

const N = 20_000;
/** Four standard errors: a right generator fails one test in 16,000, and this one always or never. */
const within = (got: number, want: number, deviation: number): void =>
  expect(Math.abs(got - want)).toBeLessThan((4 * deviation) / Math.sqrt(N));
const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;

test('bernoulli: the share of true, and 0 and 1 exactly', async () => {
  for (const p of [0.1, 0.5, 0.9])
    within(mean(await valuesOf(o.bernoulli(o.key(1), p, [N]))), p, Math.sqrt(p * (1 - p)));
  expect(mean(await valuesOf(o.bernoulli(o.key(1), 0, [N])))).toBe(0);
  expect(mean(await valuesOf(o.bernoulli(o.key(1), 1, [N])))).toBe(1);
});

test('normal: moments, tails, and no infinities', async () => {
  const x = await valuesOf(o.normal(o.key(9), [N]));
  within(mean(x), 0, 1);
  within(mean(x.map((v) => v ** 2)), 1, Math.sqrt(2));
  within(mean(x.map((v) => v ** 3)), 0, Math.sqrt(15));
  within(mean(x.map((v) => v ** 4)), 3, Math.sqrt(96));
  within(mean(x.map((v) => Number(Math.abs(v) < 1))), 0.6826894921, 0.47);
  within(mean(x.map((v) => Number(v > 1.959963985))), 0.025, 0.16);
  expect(x.every(Number.isFinite)).toBe(true);
});

test("normal is of one key: its two words are no other use's", async () => {
  const h = host.hostKey(9);
  const k = o.key(9);
  const [x] = await valuesOf(o.normal(k, [1], 'float64'));
  const [u] = host.uniform(h, 1) as unknown as [number];
  const v = (host.threefry2x32(h, [0, 4])[0] >>> 8) * 2 ** -24;
  expect(x).toBeCloseTo(Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v), 12);
});

test('keys are independent: sibling, parent and folded streams do not correlate', async () => {
  const k = o.key(11);
  const [a, b] = o.keys(k, 2) as [o.Tensor, o.Tensor];
  const streams = await Promise.all(
    [k, a, b, o.foldKey(k, 0), o.foldKey(k, 1), o.key(12)].map((t) => valuesOf(o.uniform(t, [N]))),
  );
  streams.forEach((x, i) => {
    within(mean(x), 0.5, Math.sqrt(1 / 12));
    for (const y of streams.slice(i + 1))
      within(mean(x.map((v, n) => (v - 0.5) * ((y[n] as number) - 0.5))), 0, 1 / 12);
    // Nor with itself, one place on.
    within(mean(x.slice(1).map((v, n) => (v - 0.5) * ((x[n] as number) - 0.5))), 0, 1 / 12);
  });
});
