import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backward } from '../src/autograd/backward.ts';
import { reference } from '../src/backend/index.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { onesLike } from '../src/ops/elementwise.ts';
import { sum } from '../src/ops/reduce.ts';
import { lower } from '../src/trace/lower.ts';
import { evaluate } from './eager.ts';
import { choices, randomGraph } from './random-graph.ts';

/** Runs the lowered program on the reference backend. */
async function runLowered(
  params: readonly Tensor[],
  results: readonly Tensor[],
  inputs: readonly Float64Array[],
): Promise<number[][]> {
  const backend = reference();
  const program = lower(params, results);
  const exe = await backend.compile(program);
  const ref = (bytes: number) => ({ buffer: backend.alloc(bytes), offset: 0 });
  const ins = inputs.map((data) => {
    const r = ref(data.byteLength);
    backend.write(r.buffer, new Uint8Array(data.buffer));
    return r;
  });
  const outs = results.map((r) => ref(r.size * 8));
  exe.run(ins, outs);
  return Promise.all(
    outs.map(async (o) => [...new Float64Array((await backend.read(o.buffer)).buffer)]),
  );
}

const valuesFor = (params: readonly Tensor[]): Float64Array[] =>
  params.map((p, k) => Float64Array.from({ length: p.size }, (_, i) => Math.sin(1 + i * 1.7 + k)));

// Both sides compute in float64 and differ only in the order of sums.
const TOLERANCE = 1e-9;

function expectClose(got: readonly number[][], want: readonly (readonly number[])[]): void {
  want.forEach((w, k) => {
    const scale = Math.max(1, ...w.map(Math.abs));
    w.forEach((x, i) => {
      const y = (got[k] as number[])[i] as number;
      if (Math.abs(x - y) > TOLERANCE * scale || Number.isNaN(x) !== Number.isNaN(y))
        expect.fail(`result ${k}[${i}]: ${y}, want ${x}`);
    });
  });
}

test('a lowered graph computes what its nodes say', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(choices, async (numbers) => {
      const { params, results } = randomGraph(numbers);
      const inputs = valuesFor(params);
      const want = evaluate(
        results,
        new Map(params.map((p, i) => [p, [...(inputs[i] as Float64Array)]])),
      );
      expectClose(await runLowered(params, results, inputs), want);
    }),
    { numRuns: 300 },
  );
});

test('so does its gradient', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(choices, async (numbers) => {
      const { params, results } = randomGraph(numbers, 6);
      const inputs = valuesFor(params);
      const losses = results.map((r) => sum(r));
      const found = backward(losses, losses.map(onesLike), params).filter((g) => g !== undefined);
      const all = [...losses, ...found];
      const want = evaluate(
        all,
        new Map(params.map((p, i) => [p, [...(inputs[i] as Float64Array)]])),
      );
      expectClose(await runLowered(params, all, inputs), want);
    }),
    { numRuns: 300 },
  );
});
