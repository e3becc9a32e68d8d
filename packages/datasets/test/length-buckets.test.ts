import { hostKey, uniform } from '@ostinato/core/random';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batches, bucketLength, DatasetError, lengthBuckets, lengthLadder } from '../src/index.ts';

test('ladders', () => {
  expect(lengthLadder(500)).toEqual([4, 8, 16, 32, 64, 128, 256, 500]);
  expect(lengthLadder(500, { buckets: 3 })).toEqual([128, 256, 500]);
  expect(lengthLadder(64, { buckets: 1 })).toEqual([64]);
  expect(lengthLadder(4)).toEqual([1, 2, 4]);
  expect(lengthLadder(1)).toEqual([1]);
});

test('a hundred batches with lengths from 1 to 500 need at most 8 shapes', () => {
  const lengths = Array.from(uniform(hostKey(0), 3200), (u) => 1 + Math.floor(u * 500));
  const ladder = lengthLadder(500);
  const padded = batches(lengths.length, { size: 32, key: hostKey(1), epoch: 0 }).map((rows) =>
    bucketLength(Math.max(...Array.from(rows, (row) => lengths[row] as number)), ladder),
  );
  expect(padded).toHaveLength(100);
  expect(new Set(padded).size).toBeLessThanOrEqual(8);
  const each = new Set(Array.from({ length: 500 }, (_, i) => bucketLength(i + 1, ladder)));
  expect(each.size).toBe(8);
});

test('a length gets the smallest rung that holds it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(),
      (maximum, buckets, draw) => {
        const ladder = lengthLadder(maximum, { buckets });
        expect(ladder.length).toBeLessThanOrEqual(buckets);
        const length = draw % (maximum + 1);
        const rung = bucketLength(length, ladder);
        expect(rung).toBeGreaterThanOrEqual(length);
        expect(ladder.filter((other) => other >= length && other < rung)).toEqual([]);
        if (length >= (ladder[0] as number)) expect(rung).toBeLessThan(2 * Math.max(length, 1) + 1);
      },
    ),
  );
});

test('buckets hold each row once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(600)), (lengths) => {
      const buckets = lengthBuckets(lengths);
      expect(buckets.length).toBeLessThanOrEqual(8);
      expect(buckets.flatMap(({ rows }) => [...rows]).sort((a, b) => a - b)).toEqual(
        lengths.map((_, row) => row),
      );
      for (const { length, rows } of buckets) {
        for (const row of rows) expect(lengths[row] as number).toBeLessThanOrEqual(length);
      }
    }),
  );
});

test('buckets by a given ladder', () => {
  expect(lengthBuckets([3, 9, 1, 10], { ladder: [5, 10, 20] })).toEqual([
    { length: 5, rows: Uint32Array.of(0, 2) },
    { length: 10, rows: Uint32Array.of(1, 3) },
  ]);
  expect(() => lengthBuckets([21], { ladder: [5, 10, 20] })).toThrow(
    /length 21 is beyond the longest of the ladder, 5, 10, 20. Truncate/,
  );
});

test.each([
  [[4, 4, 8], /the ladder has 4 after 4, in 4, 4, 8. Sort/],
  [[8, 4], /the ladder has 4 after 8/],
  [[Number.NaN, 4], /the ladder has 4 after NaN/],
])('a ladder that does not ascend is refused: %j', (ladder, message) => {
  expect(() => lengthBuckets([], { ladder })).toThrow(message);
  expect(() => lengthBuckets([3], { ladder })).toThrow(message);
  expect(() => bucketLength(3, ladder)).toThrow(message);
  expect(() => bucketLength(3, ladder)).toThrow(DatasetError);
});
