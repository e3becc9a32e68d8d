import { expect, expectTypeOf, test } from 'vitest';
import * as b from '../src/backend/index.ts';
import * as o from '../src/index.ts';

const entries = {
  '.': () => import('../src/index.ts'),
  './backend': () => import('../src/backend/index.ts'),
  './ndarray': () => import('../src/ndarray.ts'),
  './random': () => import('../src/random.ts'),
};

test.each(Object.entries(entries))('entry %s loads', async (_, load) => {
  expect(await load()).toBeDefined();
});

// Otherwise a library that exports what it made of them could not emit its declarations (TS2883).
test('types that results are made of have names', () => {
  const x = o.zeros([2]);
  expectTypeOf(x.shape).toEqualTypeOf<o.Shape>();
  expectTypeOf(o.flatten(x).shape).toEqualTypeOf<o.TreeShape>();
  expectTypeOf<o.HostArray['data']>().toEqualTypeOf<o.TypedArray>();
  expectTypeOf(b.sizeOf).parameter(0).toEqualTypeOf<b.Shape>();
  expectTypeOf(b.scalarOps.tanh).toEqualTypeOf<b.ScalarRule>();
});
