import { execFileSync } from 'node:child_process';
import { add, compile, mul, reshape, scan, sum, type Tensor, tanh } from '@ostinato/core';
import type { Backend, Loop } from '@ostinato/core/backend';
import {
  apply,
  arg,
  denseStrides,
  programBuilder,
  reference,
  sizeOf,
  window,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.ts';
import { Heap } from '../src/memory.ts';
import { chooseThreads } from '../src/threads/choose.ts';
import { share, sharesOf } from '../src/threads/control.ts';
import { openPool } from '../src/threads/pool.ts';
import { bits, host, runProgram, windowOf } from './harness.ts';
import { trainingStep } from './training.ts';

const sizes = { words: 40, steps: 7, batch: 13, units: 12 };

test('any number of threads gives the same bits', async () => {
  const results: number[][][] = [];
  for (const threads of [1, 2, 3, 5]) {
    const backend = (await wasm({ threads, threadsFrom: 0 })) as unknown as Backend;
    for (let run = 0; run < 3; run++) results.push(bits(await trainingStep(backend, sizes)));
    backend.dispose();
  }
  for (const other of results.slice(1)) expect(other).toEqual(results[0]);
});

test('products of any depth have the same bits, whoever shares them', async () => {
  const open = (threads: number) => wasm({ threads, threadsFrom: 0 });
  const alone = await open(1);
  const others = [await open(2), await open(3)];
  const cases = fc.record({
    rows: fc.integer({ min: 1, max: 80 }),
    columns: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(48, 80, 192)),
    // One partial sum, or many: above 1024 and 2048 steps.
    steps: fc.integer({ min: 1, max: 60 }),
    batch: fc.constantFrom(1, 7, 32, 64, 150),
    batchFirst: fc.boolean(),
    swapped: fc.boolean(),
    // Operands that stay the same are packed as a whole, and kept so.
    made: fc.subarray(['a', 'b']),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ rows, columns, steps, batch, batchFirst, swapped, made }) => {
      const p = programBuilder();
      const operand = (name: string, size: number): number => {
        const given = p.input(name, 'float32', size);
        if (!made.includes(name)) return given;
        const copy = p.output(`${name} again`, 'float32', size);
        const plain = { shape: [size], over: [], body: [arg(0)] };
        p.loop({ ...plain, args: [window(given, [1])], outs: [window(copy, [1])] });
        return copy;
      };
      const a = operand('a', steps * batch * rows);
      const b = operand('b', steps * batch * columns);
      const along = batchFirst ? [rows, steps * rows] : [batch * rows, rows];
      const args = [
        window(a, [1, 0, ...along]),
        window(b, [0, 1, batch * columns, columns]),
      ] as const;
      p.contract({
        shape: [rows, columns],
        over: [steps, batch],
        args: swapped ? [args[1], args[0]] : args,
        out: window(p.output('out', 'float32', rows * columns), [columns, 1]),
      });
      const program = p.program();
      const want = bits(await runProgram(alone, program));
      for (const backend of others) expect(bits(await runProgram(backend, program))).toEqual(want);
    }),
    { numRuns: 60 },
  );
  for (const backend of [alone, ...others]) backend.dispose();
});

test('sums of any windows have the same bits, whoever shares them', async () => {
  const open = (threads: number) => wasm({ threads, threadsFrom: 0 });
  const alone = await open(1);
  const others = [await open(2), await open(3)];
  const size: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 5, 8, 9, 17, 24);
  const cases = fc.record({
    shape: fc.array(size, { minLength: 1, maxLength: 3 }),
    over: fc.array(size, { minLength: 1, maxLength: 2 }),
    operands: fc.tuple(
      ...[0, 1].map(() => fc.record({ turn: fc.nat(2), lacks: fc.nat(6), flips: fc.constant(-1) })),
    ),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, over, operands }) => {
      const p = programBuilder();
      const sizes = [...shape, ...over];
      const all = sizeOf(sizes);
      const args = operands.map((o, k) => windowOf(p.input(`x${k}`, 'float32', all), sizes, o));
      p.loop({
        shape,
        over,
        combine: 'sum',
        args,
        body: [apply('mul', arg(0), arg(1))],
        outs: [window(p.output('y', 'float32', sizeOf(shape)), denseStrides(shape))],
      });
      const program = p.program();
      const want = bits(await runProgram(alone, program));
      for (const backend of others) expect(bits(await runProgram(backend, program))).toEqual(want);
    }),
    { numRuns: 150 },
  );
  for (const backend of [alone, ...others]) backend.dispose();
});

test('with threads the numbers are those of the reference', async () => {
  const backend = (await wasm({ threads: 2, threadsFrom: 0 })) as unknown as Backend;
  const got = await trainingStep(backend, sizes);
  const want = await trainingStep(reference() as unknown as Backend, sizes);
  backend.dispose();
  want.forEach((w, k) => {
    // Float32 sums in another order: a few units in the last place of the largest element.
    const scale = w.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    const worst = w.reduce((m, x, i) => Math.max(m, Math.abs(x - (got[k]?.[i] as number))), 0);
    expect(worst).toBeLessThanOrEqual(1e-6 + 1e-5 * scale);
  });
});

test('sums of groups in a loop have the same bits, whoever shares its rows', async () => {
  const [time, batch] = [3, 37];
  const backends = (await Promise.all(
    [1, 2, 3].map((threads) => wasm({ threads, threadsFrom: 0 })),
  )) as unknown as Backend[];
  // Vectors lie along groups of all rows, of one row, or along the terms of a group, whichever are more.
  for (const [groups, terms] of [
    [2, 5],
    [3, 9],
    [4, 7],
    [8, 8],
    [9, 3],
  ] as const) {
    const step = (h: Tensor, x: Tensor): readonly [Tensor, Tensor] => {
      const weighted = mul(reshape(x, [batch, groups, terms]), reshape(h, [batch, groups, 1]));
      const next = tanh(add(sum(weighted, { axes: 2 }), h));
      return [next, next];
    };
    const [one, ...others] = await Promise.all(
      backends.map(async (backend) => {
        const run = compile(backend, (h: Tensor, xs: Tensor) => scan(step, h, xs)[1]);
        const y = await run(host(1, [batch, groups]), host(2, [time, batch, groups * terms]));
        return bits([(await y.read()).data as Float32Array]);
      }),
    );
    for (const other of others) expect(other).toEqual(one);
  }
  for (const backend of backends) backend.dispose();
});

test('what a thread may have is what threads get of any total', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 2, max: 16 }),
      (total, threads) => {
        const parts = Array.from({ length: threads }, (_, k) => share(total, k, threads));
        expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(total);
        expect(new Set(sharesOf(total, threads))).toEqual(new Set(parts.map((p) => p.count)));
      },
    ),
  );
});

test('threads share less where they are awake', () => {
  const { threads } = chooseThreads({ count: 2, from: 4000, led: false });
  const mapOf = (elements: number): Loop => ({
    kind: 'loop',
    buffers: [],
    shape: [elements],
    over: [],
    combine: 'sum',
    args: [],
    body: [arg(0)],
    outs: [],
  });
  const parts = (elements: number, awake: boolean): number | undefined =>
    threads?.partsOf(mapOf(elements), awake)?.count;
  expect([4000, 3999].map((n) => parts(n, false))).toEqual([4000, undefined]);
  expect([1000, 999].map((n) => parts(n, true))).toEqual([1000, undefined]);
});

test('programs are compiled while others run, on the same workers', async () => {
  const backend = (await wasm({ threads: 2, threadsFrom: 0 })) as unknown as Backend;
  const alone = bits(await trainingStep(backend, sizes));
  const together = await Promise.all([1, 2, 3, 4].map(() => trainingStep(backend, sizes)));
  for (const t of together) expect(bits(t)).toEqual(alone);
  backend.dispose();
});

test('dispose while threads are told of a program: who compiles it hears of that', async () => {
  const pool = await openPool(new Heap({ shared: true }), 2);
  const loading = pool.load({ modules: [], names: [], parted: true }, []);
  await Promise.resolve(); // the message is on its way
  pool.dispose();
  await expect(loading).rejects.toMatchObject({ code: 'disposed' });
});

test('a script that forgets dispose ends by itself', () => {
  const script = `
    import { wasm } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    import { trainingStep } from ${JSON.stringify(new URL('./training.ts', import.meta.url).href)};
    const backend = await wasm({ threads: 2, threadsFrom: 0 });
    await trainingStep(backend, ${JSON.stringify(sizes)});
    console.log('done');
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(out).toBe('done\n');
});

test('threads that make no sense are refused', async () => {
  await expect(wasm({ threads: 0 })).rejects.toMatchObject({ code: 'option-invalid' });
  await expect(wasm({ thread: 2 } as never)).rejects.toThrow(/no option "thread".*threadsFrom/);
  for (const threadsFrom of [Number.NaN, -1])
    await expect(wasm({ threads: 2, threadsFrom })).rejects.toThrow(/threadsFrom is/);
});
