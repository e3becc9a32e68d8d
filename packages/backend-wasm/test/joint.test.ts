/** Products and sums that share the packing of an operand: which ones do, and that what they give is right. */
import { arg, type Program, programBuilder, reference, window } from '@ostinato/core/backend';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planJoint } from '../src/contract/joint.ts';
import * as extras from '../src/extras.ts';
import { wasm } from '../src/index.ts';
import { findJoints } from '../src/together/joint.ts';
import { runProgram } from './harness.ts';

interface Shape {
  /** Of the common operand: two axes of the depth, and columns. */
  readonly steps: number;
  readonly batch: number;
  readonly columns: number;
  /** Rows of each product; whether its other operand has the batch outside of the steps; whether it comes first. */
  readonly products: readonly { rows: number; batchFirst: boolean; swapped: boolean }[];
  /** Where the sum comes in the program; -1: nowhere. */
  readonly sumAt: number;
}

/** out[r, c] = sum of x[t, b, r] g[t, b, c], for several x, and the sum of g. */
function programOf({ steps, batch, columns, products, sumAt }: Shape, arenas = 0): Program {
  const p = programBuilder();
  const g = p.input('g', 'float32', steps * batch * columns);
  const xs = products.map(({ rows }, k) => p.input(`x${k}`, 'float32', steps * batch * rows));
  const outs = products.map(({ rows }, k) => p.output(`out${k}`, 'float32', rows * columns));
  const total = p.output('total', 'float32', columns);
  const sum = (): void =>
    p.loop({
      shape: [columns],
      over: [steps, batch],
      args: [window(g, [1, batch * columns, columns])],
      body: [arg(0)],
      outs: [window(total, [1])],
    });
  products.forEach(({ rows, batchFirst, swapped }, k) => {
    if (k === sumAt) sum();
    const along = batchFirst ? [rows, steps * rows] : [batch * rows, rows];
    const x = window(xs[k] as number, [1, 0, ...along]);
    const common = window(g, [0, 1, batch * columns, columns]);
    p.contract({
      shape: [rows, columns],
      over: [steps, batch],
      args: swapped ? [common, x] : [x, common],
      out: window(outs[k] as number, [columns, 1]),
    });
  });
  if (sumAt < 0 || sumAt >= products.length) sum();
  return p.program({ arenas });
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  steps: fc.integer({ min: 1, max: 60 }),
  batch: fc.integer({ min: 1, max: 40 }),
  columns: fc.integer({ min: 2, max: 8 }).map((n) => 16 * n),
  products: fc.array(
    fc.record({
      rows: fc.integer({ min: 12, max: 70 }),
      batchFirst: fc.boolean(),
      swapped: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  sumAt: fc.integer({ min: -1, max: 3 }),
});

describe.each([
  { threads: 1, pairedSimd: true },
  { threads: 1, pairedSimd: false },
  { threads: 1, relaxedSimd: false, pairedSimd: false },
])('%o', (options) => {
  let backend: Awaited<ReturnType<typeof wasm>>;
  let several: Awaited<ReturnType<typeof wasm>>;
  beforeAll(async () => {
    backend = await wasm(options);
    several = await wasm({ ...options, threads: 2, threadsFrom: 0 });
  });
  afterAll(() => {
    backend.dispose();
    several.dispose();
  });

  test('they give what the reference gives, and two threads the same bits', () =>
    fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const program = programOf(shape);
        const want = await runProgram(reference(), program);
        const got = await runProgram(backend, program);
        got.forEach((values, k) => {
          const expected = want[k] as Float32Array;
          // Sums of up to 2400 products between -1 and 1, in float32.
          values.forEach((x, i) => {
            expect(Math.abs(x - (expected[i] as number))).toBeLessThanOrEqual(2e-4);
          });
        });
        expect(await runProgram(several, program)).toEqual(got);
      }),
      { numRuns: 25 },
    ));
});

const usual: Shape = {
  steps: 40,
  batch: 32,
  columns: 128,
  products: [
    { rows: 64, batchFirst: true, swapped: false },
    { rows: 48, batchFirst: false, swapped: true },
  ],
  sumAt: 0,
};

test('products of one window and its sum are one group', () => {
  const [joint, ...others] = findJoints(programOf(usual));
  expect(others).toEqual([]);
  expect(joint?.companions.map((c) => c.common)).toEqual([1, 0]);
  expect(joint?.sum).toBeDefined();
  for (const panel of [16, 32])
    for (const paired of [true, false]) {
      const target = { relaxed: true, paired };
      const plans = planJoint(joint?.companions ?? [], target, { panel, extras });
      expect(plans?.map((p) => p.tile.columns)).toEqual([panel, panel]);
    }
});

test('another window of the same slot is another group', () => {
  const p = programBuilder();
  const g = p.input('g', 'float32', 100 * 64);
  const x = p.input('x', 'float32', 90 * 16);
  for (const first of [0, 10]) {
    p.contract({
      shape: [16, 64],
      over: [90],
      args: [window(x, [1, 0, 16]), window(g, [0, 1, 64], first * 64)],
      out: window(p.output(`out${first}`, 'float32', 16 * 64), [64, 1]),
    });
  }
  // x is read alike by both, as the operand of the rows.
  expect(findJoints(p.program()).map((j) => j.companions.map((c) => c.common))).toEqual([[0, 0]]);
});

/** A product, what `between` adds, and another product of the same window. */
function apart(
  between: (p: ReturnType<typeof programBuilder>, slots: { x: number; out: number }) => void,
): Program {
  const p = programBuilder();
  const g = p.input('g', 'float32', 40 * 64);
  const x = p.donated('x', 'float32', 40 * 16);
  const out = p.donated('out', 'float32', 16 * 64);
  const product = (to: number): void =>
    p.contract({
      shape: [16, 64],
      over: [40],
      args: [window(x, [1, 0, 16]), window(g, [0, 1, 64])],
      out: window(to, [64, 1]),
    });
  product(p.output('first', 'float32', 16 * 64));
  between(p, { x, out });
  product(out);
  return p.program();
}

const half = (p: ReturnType<typeof programBuilder>, slot: number, size: number): void =>
  p.loop({
    shape: [size],
    args: [window(slot, [1])],
    body: [{ op: 'mul', args: [arg(0), { op: 'const', dtype: 'float32', value: 0.5 }] }],
    outs: [window(slot, [1])],
  });

test('what has to wait for another instruction is no companion', async () => {
  const free = apart(() => undefined);
  const written = apart((p, { x }) => half(p, x, 40 * 16));
  const read = apart((p, { out }) => {
    const before = p.output('before', 'float32', 16 * 64);
    p.loop({
      shape: [16 * 64],
      args: [window(out, [1])],
      body: [arg(0)],
      outs: [window(before, [1])],
    });
  });
  // What is still read there waits: the second result is kept elsewhere until then.
  const kept = (program: Program): number[] => findJoints(program).map((j) => j.kept.length);
  expect(kept(free)).toEqual([0]);
  expect(kept(written)).toEqual([]);
  expect(kept(read)).toEqual([1]);
  const backend = await wasm({ threads: 1 });
  for (const program of [free, written, read]) {
    const want = await runProgram(reference(), program);
    const got = await runProgram(backend, program);
    got.forEach((values, k) => {
      values.forEach((v, i) => {
        expect(v).toBeCloseTo((want[k] as Float32Array)[i] as number, 4);
      });
    });
  }
  backend.dispose();
});
