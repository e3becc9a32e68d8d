import { expect, test } from 'vitest';

const entries = {
  '.': () => import('../src/index.ts'),
  './cases': () => import('../src/cases.ts'),
};

test.each(Object.entries(entries))('entry %s loads', async (_, load) => {
  expect(await load()).toBeDefined();
});
