import { expect, test } from 'vitest';
import { watchCores } from '../harness/cores/index.ts';

test.each([1, 2])('rates of %d cores are read again each time', async (count) => {
  const cores = await watchCores(count);
  const rates = [cores.rate(), cores.rate(), cores.rate()];
  await cores.stop();
  for (const rate of rates) expect(rate).toBeGreaterThan(0);
  expect(new Set(rates).size).toBeGreaterThan(1);
});
