import { expect, test } from 'vitest';

const entries = {
  '.': () => import('../src/index.ts'),
  './backend': () => import('../src/backend/index.ts'),
  './ndarray': () => import('../src/ndarray.ts'),
  './random': () => import('../src/random.ts'),
};

test.each(Object.entries(entries))('entry %s loads', async (_, load) => {
  expect(await load()).toBeDefined();
});
