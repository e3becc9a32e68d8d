import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bits,
  foldKey,
  type HostKey,
  hostKey,
  permutation,
  splitKey,
  threefry2x32,
  uniform,
} from '../src/random.ts';

const uint32 = fc.nat({ max: 0xffffffff });
const keys = fc.tuple(uint32, uint32);

describe('threefry2x32', () => {
  // Random123, kat_vectors, rows "threefry2x32 20": counter, key, answer.
  test.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as [[number, number], HostKey, [number, number]][])(
    'counter %j, key %j',
    (counter, key, answer) => {
      expect(threefry2x32(key, counter)).toEqual(answer);
    },
  );

  test('one changed input bit changes about half of the output bits', () => {
    let changed = 0;
    for (let bit = 0; bit < 32; bit++) {
      const [a, b] = threefry2x32([3, 4], [1 << bit, 0]);
      const [c, d] = threefry2x32([3, 4], [0, 0]);
      changed += ones(a ^ c) + ones(b ^ d);
    }
    expect(changed / 32 / 64).toBeGreaterThan(0.45);
    expect(changed / 32 / 64).toBeLessThan(0.55);
  });
});

describe('keys', () => {
  test('hostKey keeps both halves of a seed', () => {
    expect(hostKey(0)).toEqual([0, 0]);
    expect(hostKey(7)).toEqual([0, 7]);
    expect(hostKey(2 ** 32 + 5)).toEqual([1, 5]);
    expect(hostKey(Number.MAX_SAFE_INTEGER)).toEqual([0x1fffff, 0xffffffff]);
  });

  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53, '7' as unknown as number])(
    'hostKey(%s) is refused',
    (seed) => {
      expect(() => hostKey(seed)).toThrow(RangeError);
      expect(() => hostKey(seed)).toThrow(/0 to 2\*\*53 - 1, got .*Pass/);
    },
  );

  test('words, splits and folds are blocks of their own lane', () => {
    const key = hostKey(11);
    expect([...bits(key, 2)]).toEqual([threefry2x32(key, [0, 0])[0], threefry2x32(key, [1, 0])[0]]);
    expect(splitKey(key, 2)).toEqual([threefry2x32(key, [0, 1]), threefry2x32(key, [1, 1])]);
    expect(foldKey(key, 9)).toEqual(threefry2x32(key, [9, 2]));
    expect(foldKey(key, -1)).toEqual(threefry2x32(key, [0xffffffff, 2]));
  });

  test('all are uint32 words', () => {
    fc.assert(
      fc.property(keys, uint32, (key, data) => {
        for (const word of [...foldKey(key, data), ...splitKey(key, 3).flat(), ...bits(key, 3)]) {
          expect(word).toBe(word >>> 0);
        }
      }),
    );
  });
});

test('a longer draw begins with the shorter one', () => {
  fc.assert(
    fc.property(keys, fc.nat(50), fc.nat(50), (key, n, more) => {
      expect(bits(key, n + more).subarray(0, n)).toEqual(bits(key, n));
    }),
  );
});

test('uniform is in [0, 1), a multiple of 2**-24, and its first moments are right', () => {
  const draw = uniform(hostKey(1), 20_000);
  for (const u of draw) {
    expect(u >= 0 && u < 1).toBe(true);
    expect(Number.isInteger(u * 2 ** 24)).toBe(true);
  }
  const mean = draw.reduce((sum, u) => sum + u, 0) / draw.length;
  const variance = draw.reduce((sum, u) => sum + (u - mean) ** 2, 0) / draw.length;
  expect(mean).toBeCloseTo(0.5, 2);
  expect(variance).toBeCloseTo(1 / 12, 2);
});

describe('permutation', () => {
  test('has each index once', () => {
    fc.assert(
      fc.property(keys, fc.nat(300), (key, n) => {
        const sorted = permutation(key, n).sort();
        expect([...sorted]).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('is the same on every machine', () => {
    expect(permutation(hostKey(42), 12).join(' ')).toBe('6 10 0 3 9 7 4 8 2 11 1 5');
  });

  test('gives each of the 24 orders of four about equally often', () => {
    const draws = 24_000;
    const seen = new Map<string, number>();
    for (const key of splitKey(hostKey(5), draws)) {
      const order = permutation(key, 4).join();
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    const expected = draws / 24;
    const chiSquare = [...seen.values()].reduce((s, n) => s + (n - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(49.7); // 99.9 % quantile, 23 degrees of freedom
  });
});

test.each([-1, 1.5, Number.NaN, 2 ** 32 + 1])('a count of %s is refused', (n) => {
  for (const draw of [bits, splitKey, uniform, permutation]) {
    expect(() => draw([0, 0], n)).toThrow(/got .*split the key/);
  }
});

function ones(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}
