import { expect, test } from 'vitest';
import { watchCores } from '../harness/cores/index.ts';

test.each([1, 2])('rates of %d cores are read again each time', async (count) => {
  const cores = await watchCores(count);
  const rates = [cores.rates(), cores.rates(), cores.ratesWhenAlone()];
  await cores.stop();
  for (const kind of ['core', 'caches'] as const) {
    const all = rates.map((r) => r[kind]);
    expect(Math.min(...all)).toBeGreaterThan(0);
    expect(new Set(all).size).toBeGreaterThan(1);
  }
});
