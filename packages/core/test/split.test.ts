/** Devices bind few buffers at once: loops over many of the caller's arrays come in pieces. */
import { expect, test } from 'vitest';
import type { Backend } from '../src/backend/index.ts';
import { reference } from '../src/backend/index.ts';
import { add, compile, mul, scan, type Tensor } from '../src/index.ts';
import type { Program } from '../src/ir/program.ts';

function small(seen: Program[]): Backend {
  const inner = reference({ limits: { buffers: 8 } });
  const compileIt = (p: Program) => {
    seen.push(p);
    return inner.compile(p);
  };
  return { ...inner, compile: compileIt } as unknown as Backend;
}

const row = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

test('a loop with many outs is split, and its values are the same', async () => {
  const seen: Program[] = [];
  const f = compile(small(seen), (xs: Tensor[], ys: Tensor[]) =>
    xs.map((x, i) => add(x, mul(ys[i] as Tensor, 10))),
  );
  const out = await f(
    [row(1, 2), row(3, 4), row(5, 6), row(7, 8)],
    [row(1, 1), row(2, 2), row(3, 3), row(4, 4)],
  );
  const read = await Promise.all(out.map(async (t) => [...(await t.read()).data]));
  expect(read).toEqual([
    [11, 12],
    [23, 24],
    [35, 36],
    [47, 48],
  ]);
  expect(seen[0]?.code.map((i) => i.buffers.length)).toEqual([6, 6]);
});

test('what is updated in place is written after all that reads it', async () => {
  const backend = small([]);
  // Adam's pattern: each of four values is replaced, and each new one reads several old ones.
  const step = compile(
    backend,
    (s: Tensor[], g: Tensor[]) =>
      s.map((x, i) => add(mul(x, 2), add(s[(i + 1) % 4] as Tensor, g[i] as Tensor))),
    { donate: [0] },
  );
  const first = compile(backend, (xs: Tensor[]) => xs.map((x) => mul(x, 1)));
  const state = await first([row(1), row(2), row(3), row(4)]);
  const out = await step(state, [row(0.1), row(0.2), row(0.3), row(0.4)]);
  const read = await Promise.all(out.map((t) => t.item()));
  [4.1, 7.2, 10.3, 9.4].forEach((want, i) => {
    expect(read[i]).toBeCloseTo(want, 5);
  });
});

test('one value of too many arrays is an error that says so', async () => {
  const f = compile(small([]), (xs: Tensor[]) => xs.reduce((a, b) => add(a, b)));
  await expect(f(Array.from({ length: 9 }, (_, i) => row(i)))).rejects.toMatchObject({
    code: 'program-invalid',
    message: expect.stringContaining('binds 8 at once'),
  });
});

test('a loop over time with more results than a device binds leaves some in scratch', async () => {
  const seen: Program[] = [];
  const f = compile(small(seen), (h: Tensor[], x: Tensor) =>
    scan(
      (s: Tensor[], v: Tensor) => {
        const next = s.map((t, i) => add(mul(t, 2), mul(v, i + 1)));
        return [next, next.slice(0, 5)];
      },
      h,
      x,
    ),
  );
  const [last, ys] = await f([row(1), row(2), row(3), row(4), row(5)], {
    data: Float32Array.of(1, 10),
    shape: [2, 1],
  });
  const values = (list: readonly Tensor[]) =>
    Promise.all(list.map(async (t) => [...(await t.read()).data]));
  expect(await values(last)).toEqual([1, 2, 3, 4, 5].map((k) => [16 * k]));
  expect(await values(ys)).toEqual([1, 2, 3, 4, 5].map((k) => [3 * k, 16 * k]));
  for (const i of seen[0]?.code ?? []) expect(i.buffers.length).toBeLessThanOrEqual(8);
});
