import { compile, explain } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { expect, test } from 'vitest';
import { open } from './gpu.ts';
import { evaluate, work } from './recurrent.ts';

const sizes = { batch: 3, time: 4, inputs: 2, units: 5 };

await describeOnGpu('what a backend tells of its work', () => {
  test('timings name each instruction, and start anew when they were taken', async () => {
    const backend = await open({ profile: true, schedule: 'stepwise' });
    const { f, args } = work('lstm', 'forward', sizes);
    const layer = compile(backend as unknown as Backend<never>, f as (...a: unknown[]) => unknown);
    await layer(...args);
    const timings = await backend.timings();
    const products = timings.find((t) => t.label === 'contract [3,20] over [5]');
    // Software adapters round timestamps, down to 0.
    expect(products).toEqual({
      label: products?.label,
      dispatches: sizes.time,
      ms: expect.any(Number),
    });
    for (const { ms } of timings) expect(ms).toBeGreaterThanOrEqual(0);
    expect(await backend.timings()).toEqual([]);
    layer.dispose();
    backend.dispose();
  });

  test('explain says how a scan is run, and why', async () => {
    const backend = await open();
    const { f, args } = work('lstm', 'forward', sizes);
    const layer = compile(backend as unknown as Backend<never>, f as (...a: unknown[]) => unknown);
    await layer(...args);
    expect(explain(layer)).toContain(
      'scan lstm: stepwise (barriers are slow on a software adapter)',
    );
    layer.dispose();
    backend.dispose();
  });

  test('explain says how much of its weights stays in workgroup memory', async () => {
    const backend = await open({ tuning: 'gpu' });
    const { f, args } = work('lstm', 'forward', { ...sizes, units: 8 });
    const layer = compile(backend as unknown as Backend<never>, f as (...a: unknown[]) => unknown);
    await layer(...args);
    expect(explain(layer)).toContain(
      'scan lstm: persistent (each row runs alone), 1024 of 1024 bytes of weights in workgroup memory',
    );
    layer.dispose();
    backend.dispose();
  });

  test('profiled runs give the same numbers', async () => {
    const results: number[][] = [];
    for (const profile of [false, true]) {
      const backend = await open({ profile });
      results.push(await evaluate(backend as unknown as Backend<never>, 'gru', 'forward', sizes));
      backend.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });
});
