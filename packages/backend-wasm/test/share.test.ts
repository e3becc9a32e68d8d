/** Long reductions in two: the same results on any backend, the same bits for any number of threads. */
import {
  apply,
  arg,
  axisIndex,
  cast,
  denseStrides,
  type Loop,
  type Program,
  programBuilder,
  reference,
  sizeOf,
  verify,
  window,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.ts';
import { shareReductions } from '../src/passes/share.ts';
import { bits, type Layout, runProgram, windowOf } from './harness.ts';

interface Case {
  readonly shape: readonly number[];
  readonly over: readonly number[];
  readonly combine: Loop['combine'];
  readonly args: readonly Layout[];
}

/** The sum of products, or the largest of them, and the same of differences. */
function programOf({ shape, over, combine, args }: Case): Program {
  const b = programBuilder();
  const sizes = [...shape, ...over];
  const windows = args.map((a, k) =>
    windowOf(b.input(`x${k}`, 'float32', sizeOf(sizes)), sizes, a),
  );
  b.loop({
    shape,
    over,
    combine,
    args: windows,
    body: [apply('mul', arg(0), arg(1)), apply('sub', arg(0), arg(1))],
    outs: [0, 1].map((k) =>
      window(b.output(`y${k}`, 'float32', sizeOf(shape)), denseStrides(shape)),
    ),
  });
  return b.program();
}

const cases: fc.Arbitrary<Case> = fc.record({
  shape: fc.constantFrom([], [1], [3], [2, 2]),
  over: fc.constantFrom([70000], [32, 33, 64], [3, 30000], [16, 1100, 4], [20, 5, 700], [1 << 16]),
  combine: fc.constantFrom('sum', 'max', 'min'),
  args: fc.tuple(
    ...[0, 1].map(() => fc.record({ turn: fc.nat(4), lacks: fc.nat(9), flips: fc.nat(9) })),
  ),
});

test('results are the same, in bits for any number of threads', async () => {
  const plain = reference();
  const backends = await Promise.all([1, 2, 3].map((threads) => wasm({ threads, threadsFrom: 0 })));
  await fc.assert(
    fc.asyncProperty(cases, async (c) => {
      const program = programOf(c);
      const inTwo = shareReductions(program);
      verify(inTwo);
      expect(inTwo.code.length).toBe(2);
      const want = await runProgram(plain, program);
      const results = [await runProgram(plain, inTwo)];
      for (const b of backends) results.push(await runProgram(b, program));
      // Sums in another order: 1e-9 for each term, which are 0.5 in the mean. What is largest is that in any.
      const tolerance = c.combine === 'sum' ? 1e-9 * sizeOf(c.over) : 0;
      for (const got of results)
        got.forEach((values, k) => {
          values.forEach((v, i) => {
            const w = want[k]?.[i] as number;
            expect(Math.abs(v - w)).toBeLessThanOrEqual(tolerance);
          });
        });
      const [, one, ...others] = results.map(bits);
      for (const other of others) expect(other).toEqual(one);
    }),
    { numRuns: 12 },
  );
  for (const b of backends) b.dispose();
});

test('an axis that threads share lies apart for one thread, too', async () => {
  const b = programBuilder();
  // Where it is joined with another one, vectors lie along both; where it is not, along the reduced axis.
  b.loop({
    shape: [3],
    over: [8, 10, 1000],
    combine: 'sum',
    args: [
      window(b.input('x', 'float32', 240000), [1, 30000, 3000, 3]),
      window(b.input('y', 'float32', 240000), [80, 10, 1, 240]),
    ],
    body: [apply('mul', arg(0), arg(1))],
    outs: [window(b.output('z', 'float32', 3), [1])],
  });
  const backends = await Promise.all([1, 2, 3].map((threads) => wasm({ threads, threadsFrom: 0 })));
  const [one, ...others] = await Promise.all(
    backends.map(async (backend) => bits(await runProgram(backend, b.program()))),
  );
  for (const other of others) expect(other).toEqual(one);
  for (const backend of backends) backend.dispose();
});

test('what is short, has many results or knows its axes stays as it is', () => {
  const usual: Case = {
    shape: [],
    over: [70000],
    combine: 'sum',
    args: [0, 1].map(() => ({ turn: 0, lacks: 9, flips: 9 })),
  };
  const same = (c: Partial<Case>): boolean => {
    const program = programOf({ ...usual, ...c });
    return shareReductions(program) === program;
  };
  expect(same({})).toBe(false);
  expect(same({ over: [60000] })).toBe(true);
  expect(same({ shape: [16], over: [70000] })).toBe(true);
  // A prime: there is no cutting it.
  expect(same({ over: [70001] })).toBe(true);
  const b = programBuilder();
  b.loop({
    shape: [],
    over: [300, 300],
    args: [],
    body: [cast('float32', axisIndex(1))],
    outs: [window(b.output('y', 'float32', 1), [])],
  });
  const program = b.program();
  expect(shareReductions(program)).toBe(program);
});
