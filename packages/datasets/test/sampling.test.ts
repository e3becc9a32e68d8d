import { hostKey } from '@ostinato/core/random';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomSubset, rotatingStratum, stratifiedSubset } from '../src/index.ts';

const key = hostKey(9);
const classes = fc.array(fc.nat(3), { minLength: 1, maxLength: 120 });

test('a random subset repeats nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90 }), fc.nat(), (count, draw) => {
      const size = 1 + (draw % count);
      const rows = randomSubset(count, { size, key });
      expect(new Set(rows).size).toBe(size);
      expect(Math.max(...rows)).toBeLessThan(count);
    }),
  );
});

test('a stratified subset keeps the shares of the classes', () => {
  fc.assert(
    fc.property(classes, fc.nat(), (labels, draw) => {
      const size = 1 + (draw % labels.length);
      const rows = stratifiedSubset(labels, { size, key });
      expect(new Set(rows).size).toBe(size);
      const kinds = new Set(labels);
      for (const kind of kinds) {
        const share = labels.filter((label) => label === kind).length / labels.length;
        const taken = [...rows].filter((row) => labels[row] === kind).length;
        expect(Math.abs(taken - share * size)).toBeLessThanOrEqual((kinds.size + 1) / 2);
      }
    }),
  );
});

test('parts rotate: any run of epochs sees each row once, and each part has the shares', () => {
  fc.assert(
    fc.property(classes, fc.nat(), fc.nat(5), (labels, draw, first) => {
      const parts = 1 + (draw % Math.min(labels.length, 7));
      const part = (epoch: number): Uint32Array => rotatingStratum(labels, { parts, epoch, key });
      const run = Array.from({ length: parts }, (_, i) => [...part(first + i)]).flat();
      expect(run.sort((a, b) => a - b)).toEqual(labels.map((_, row) => row));
      expect(part(first + parts)).toEqual(part(first));
    }),
  );
  const labels = Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : 1));
  for (let epoch = 0; epoch < 5; epoch++) {
    const rows = rotatingStratum(labels, { parts: 5, epoch, key });
    expect(rows.length).toBe(20);
    expect([...rows].filter((row) => labels[row] === 1).length).toBe(4);
  }
});

test('a seed in the place of its key is refused', () => {
  const seed = 1 as never;
  expect(() => randomSubset(3, { size: 1, key: seed })).toThrow(/randomSubset: key is 1/);
  expect(() => stratifiedSubset([0], { size: 1, key: seed })).toThrow(/stratifiedSubset: key is 1/);
  expect(() => rotatingStratum([0], { parts: 1, epoch: 0, key: seed })).toThrow(/key is 1/);
});

test('more than there are is refused', () => {
  expect(() => randomSubset(3, { size: 4, key })).toThrow(/asked for 4 of 3 rows/);
  expect(() => stratifiedSubset([0, 1], { size: 3, key })).toThrow(/asked for 3 of 2 rows/);
  expect(() => rotatingStratum([0], { parts: 2, epoch: 0, key })).toThrow(/asked for 2 of 1/);
});
