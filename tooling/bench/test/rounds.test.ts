import { describe, expect, test } from 'vitest';
import { distance, figureOf, median, turns } from '../harness/rounds.ts';

describe('turns', () => {
  test('each side takes one turn a round, and each round another side begins', () => {
    expect(turns(['a', 'b', 'c'], 4).join('')).toBe('abcbcacababc');
  });
});

describe('median', () => {
  test('is the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 9, 1, 2])).toBe(5.5);
    expect(median([])).toBeNaN();
  });
});

describe('figureOf', () => {
  const fast = { core: 13, caches: 40 };
  const slice = (ms: number, foreign: number, rates: Partial<typeof fast> = {}) => ({
    ...{ ms, cpuMs: ms / 2 },
    ...{ foreign, rates: { ...fast, ...rates } },
  });

  test('counts only slices in which other processes were quiet', () => {
    const figure = figureOf([slice(90, 1.5), slice(3, 0.1), slice(1, 0), slice(2, 0.3)], fast);
    expect(figure).toMatchObject({ ms: 2, min: 1, max: 3, counted: 3, slices: 4, calm: true });
  });

  test.each([
    ['core', 8, 12.5, 26],
    ['caches', 30, 38, 80],
  ] as const)(
    'counts only slices in which neighbours left the %s alone',
    (kind, low, high, twice) => {
      const all = [
        slice(90, 0, { [kind]: low }),
        slice(3, 0, { [kind]: high }),
        ...[slice(1, 0), slice(2, 0)],
      ];
      expect(figureOf(all, fast)).toMatchObject({ ms: 2, max: 3, counted: 3, calm: true });
      // Another side of the case saw what the machine can do.
      const faster = figureOf(all, { ...fast, [kind]: twice });
      expect(faster).toMatchObject({ ms: 1.5, max: 2, counted: 2, calm: false });
    },
  );

  test('counts the least disturbed third, and says so, where too few slices were quiet', () => {
    const busy = [7, 6, 5, 4, 3, 2].map((ms, i) => slice(ms, 0.5 + i / 10));
    expect(figureOf(busy, fast)).toMatchObject({
      ms: 6.5,
      min: 6,
      max: 7,
      counted: 2,
      calm: false,
    });
  });

  test('takes CPU time from all slices, busy or not', () => {
    expect(figureOf([slice(2, 1), slice(4, 1), slice(6, 1)], fast).cpuMs).toBe(2);
  });
});

describe('distance', () => {
  test('is absolute for small numbers and relative for large ones', () => {
    expect(distance([0, 0.5], [0.25, 0.5])).toBe(0.25);
    expect(distance([1000], [1001])).toBeCloseTo(0.001, 12);
  });

  test('is infinite where a number or a step is missing', () => {
    expect(distance([1, 2], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(distance([1], [Number.NaN])).toBe(Number.POSITIVE_INFINITY);
  });
});
