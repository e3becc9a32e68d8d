import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trainValidationSplit } from '../src/index.ts';

test.each([
  [25_000, 0.2, 20_000],
  [10, 0.25, 7],
  [3, 0.5, 1],
  [10, 0.3, 7],
  [7, 0.1, 6],
])('%i rows, fraction %d: the border is %i', (count, fraction, border) => {
  const { train, validation } = trainValidationSplit(count, fraction);
  expect(train.length).toBe(border);
  expect(validation[0]).toBe(border);
});

test('both parts in order are all rows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 500 }), fc.double({ min: 0.01, max: 0.99 }), (n, f) => {
      const border = Math.floor(n * (1 - f));
      fc.pre(border > 0 && border < n);
      const { train, validation } = trainValidationSplit(n, f);
      expect([...train, ...validation]).toEqual(Array.from({ length: n }, (_, i) => i));
    }),
  );
});

test.each([
  [10, 0],
  [10, 1],
  [10, -0.1],
  [10, Number.NaN],
  [1, 0.5],
])('%i rows with fraction %d are refused', (count, fraction) => {
  expect(() => trainValidationSplit(count, fraction)).toThrow(/leaves .* to train with. Choose/);
});
