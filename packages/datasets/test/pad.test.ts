import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatasetError, type PadOptions, paddingMask, padSequences } from '../src/index.ts';

const rows = (padded: { data: ArrayLike<number>; shape: readonly number[] }): number[][] => {
  const [n = 0, steps = 0] = padded.shape;
  const all = Array.from(padded.data);
  return Array.from({ length: n }, (_, row) => all.slice(row * steps, (row + 1) * steps));
};

describe('padSequences', () => {
  const sequences = [[1], [2, 3], [4, 5, 6]];

  // The examples of Keras' own documentation.
  test.each([
    [
      {},
      [
        [0, 0, 1],
        [0, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      { value: -1 },
      [
        [-1, -1, 1],
        [-1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      { padding: 'post' },
      [
        [1, 0, 0],
        [2, 3, 0],
        [4, 5, 6],
      ],
    ],
    [
      { maxlen: 2 },
      [
        [0, 1],
        [2, 3],
        [5, 6],
      ],
    ],
    [
      { maxlen: 2, truncation: 'post' },
      [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
    ],
  ] as [PadOptions, number[][]][])('%j', (options, expected) => {
    expect(rows(padSequences(sequences, options))).toEqual(expected);
  });

  test('lengths are counted after truncation', () => {
    expect([...padSequences([[], ...sequences], { maxlen: 2 }).lengths]).toEqual([0, 1, 2, 2]);
  });

  test('empty sequences alone have no steps', () => {
    expect(padSequences([[], []])).toEqual({
      data: new Int32Array(0),
      shape: [2, 0],
      lengths: new Int32Array(2),
      padding: 'pre',
    });
  });

  test('takes typed arrays and leaves them alone', () => {
    const sequence = Uint16Array.of(7, 8);
    expect(rows(padSequences([sequence], { maxlen: 3 }))).toEqual([[0, 7, 8]]);
    expect([...sequence]).toEqual([7, 8]);
  });

  test('is what slices say, for any sequences and options', () => {
    const side = fc.constantFrom('pre' as const, 'post' as const);
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 9 })),
        fc.record({ maxlen: fc.integer({ min: 1, max: 12 }), padding: side, truncation: side }),
        (all, options) => {
          const { maxlen, padding, truncation } = options;
          const padded = padSequences(all, options);
          all.forEach((sequence, row) => {
            const kept = truncation === 'pre' ? sequence.slice(-maxlen) : sequence.slice(0, maxlen);
            const zeros = Array<number>(maxlen - kept.length).fill(0);
            const wanted = padding === 'pre' ? [...zeros, ...kept] : [...kept, ...zeros];
            expect(rows(padded)[row]).toEqual(wanted);
            expect(padded.lengths[row]).toBe(kept.length);
          });
        },
      ),
    );
  });

  test.each([
    [[], {}, /no sequences.*Pass maxlen/],
    [[[1]], { maxlen: 0 }, /maxlen is a whole number of at least 1, got 0/],
    [[[1]], { maxlen: 1.5 }, /got 1\.5/],
    [[[1, 2.5]], {}, /sequence 0, step 1 is 2\.5, which is no int32/],
    [[[2 ** 31]], {}, /step 0 is 2147483648/],
    [[{ length: 1.5, 0: 1 }], {}, /sequence 0 is \[object Object\]\. Pass an array of ids/],
    [[{ length: -1 }], {}, /sequence 0 is/],
    [[[1]], { value: Number.NaN }, /"value" is NaN/],
    [[[1]], { padding: 'left' as 'pre' }, /padding is "pre" or "post", got "left"/],
  ] as [ArrayLike<number>[], PadOptions, RegExp][])(
    'refuses %j with %j',
    (all, options, message) => {
      expect(() => padSequences(all, options)).toThrow(message);
      expect(() => padSequences(all, options)).toThrow(DatasetError);
    },
  );
});

describe('paddingMask', () => {
  test('marks the valid steps on either side', () => {
    const given = { shape: [3, 3], lengths: [0, 1, 3] };
    expect(rows(paddingMask({ ...given, padding: 'pre' }))).toEqual([
      [0, 0, 0],
      [0, 0, 1],
      [1, 1, 1],
    ]);
    expect(rows(paddingMask({ ...given, padding: 'post' }))).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 1],
    ]);
  });

  test('agrees with the padding of sequences without zeros', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 9 }))),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('pre' as const, 'post' as const),
        (all, maxlen, padding) => {
          const padded = padSequences(all, { maxlen, padding });
          const mask = paddingMask(padded);
          expect([...mask.data]).toEqual(Array.from(padded.data, (id) => (id === 0 ? 0 : 1)));
        },
      ),
    );
  });

  test('what is no sequence is refused by its number', () => {
    for (const sequences of [[1, 2], ['a b'], [[1], null]])
      expect(() => padSequences(sequences as never)).toThrow(/sequence [01] is .*array of ids/);
  });

  test('refuses a length beyond the steps', () => {
    const mask = (lengths: number[], padding = 'pre') =>
      paddingMask({ shape: [1, 3], lengths, padding: padding as 'pre' });
    expect(() => mask([4])).toThrow(/row 0 has length 4 in 3 steps/);
    expect(() => mask([1.5])).toThrow(/row 0 has length 1.5 in 3 steps/);
    expect(() => mask([1], 'left')).toThrow(/^paddingMask: padding is "pre"/);
    expect(() => mask([1, 2])).toThrow(/shape \[1,3\] and 2 lengths/);
    expect(() => paddingMask([1, 2] as never)).toThrow(/Pass what padSequences gave/);
  });
});
