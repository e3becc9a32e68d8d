import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backward } from '../src/autograd/backward.ts';
import { reference } from '../src/backend/index.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { add, mul, onesLike } from '../src/ops/elementwise.ts';
import { sum } from '../src/ops/reduce.ts';
import { broadcastTo } from '../src/ops/views.ts';
import type { LowerOptions } from '../src/trace/lower.ts';
import { evaluate } from './eager.ts';
import { lower } from './lowered.ts';
import { choices, randomGraph } from './random-graph.ts';

/** Runs the lowered program on the reference backend. */
async function runLowered(
  params: readonly Tensor[],
  results: readonly Tensor[],
  inputs: readonly Float64Array[],
  options?: LowerOptions,
): Promise<number[][]> {
  const backend = reference();
  const program = lower(params, results, options);
  const exe = await backend.compile(program);
  const ref = (bytes: number) => ({ buffer: backend.alloc(bytes), offset: 0 });
  const ins = inputs.map((data) => {
    const r = ref(data.byteLength);
    backend.write(r.buffer, new Uint8Array(data.buffer));
    return r;
  });
  const outs = results.map((r, o) => {
    const shared = program.inputs.indexOf(program.outputs[o] as number);
    return shared >= 0 ? (ins[shared] as (typeof ins)[number]) : ref(r.size * 8);
  });
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
    const scale = Math.max(1, ...w.filter(Number.isFinite).map(Math.abs));
    w.forEach((x, i) => {
      const y = (got[k] as number[])[i] as number;
      if (!Object.is(x, y) && !(Math.abs(x - y) <= TOLERANCE * scale))
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

test('NaN and infinities come out where they should', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(choices, async (numbers) => {
      const { params, results } = randomGraph(numbers);
      const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
      const inputs = valuesFor(params).map((data, k) => {
        const at = (numbers[k] as number) % data.length;
        data[at] = odd[(numbers[k + 4] as number) % odd.length] as number;
        return data;
      });
      const given = params.map((p, i) => [p, [...(inputs[i] as Float64Array)]] as const);
      expectClose(await runLowered(params, results, inputs), evaluate(results, new Map(given)));
    }),
    { numRuns: 150 },
  );
});

test('its gradient computes what the rules say', { timeout: 120_000 }, async () => {
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

test('donated inputs and small arenas change nothing', { timeout: 120_000 }, async () => {
  let shared = 0;
  await fc.assert(
    fc.asyncProperty(choices, async (numbers) => {
      const { params, results } = randomGraph(numbers);
      // Results that could take a donated input's place, the way an optimizer's do.
      const updated = params.map((p, i) =>
        add(mul(p, 0.5), broadcastTo(sum(results[i % 3] as Tensor), p.shape)),
      );
      const all = [...results, ...updated, ...params];
      const inputs = valuesFor(params);
      const want = await runLowered(params, all, inputs);
      const donations = params.map((_, i) => [i, results.length + i] as const);
      const limits = { bindingBytes: 2048, buffers: 32 };
      const program = lower(params, all, { donations });
      shared += program.outputs.filter((o) => program.inputs.includes(o)).length;
      expectClose(await runLowered(params, all, inputs, { donations, limits }), want);
      const swapped = params.map(
        (_, i) => [i, results.length + params.length + ((i + 1) % params.length)] as const,
      );
      expectClose(await runLowered(params, all, inputs, { donations: swapped, limits }), want);
    }),
    { numRuns: 50 },
  );
  expect(shared).toBeGreaterThan(0);
});
