import { hostKey } from '@ostinato/core/random';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batches, takeRows } from '../src/index.ts';

const counts = fc.nat({ max: 200 });
const sizes = fc.integer({ min: 1, max: 40 });

describe('batches', () => {
  const key = hostKey(3);

  test('without a key the order is as given', () => {
    const all = batches(5, { size: 2, key: null, epoch: 4 });
    expect(all.map((batch) => [...batch])).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('each row is in one batch of each epoch', () => {
    fc.assert(
      fc.property(counts, sizes, fc.nat(9), (count, size, epoch) => {
        const all = batches(count, { size, key, epoch });
        expect(all.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, i) => i),
        );
        expect(all.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
        expect(all.length).toBe(Math.ceil(count / size));
      }),
    );
  });

  test('dropLast leaves full batches only', () => {
    fc.assert(
      fc.property(counts, sizes, (count, size) => {
        const all = batches(count, { size, key, epoch: 0, dropLast: true });
        expect(all.length).toBe(Math.floor(count / size));
        expect(all.every((batch) => batch.length === size)).toBe(true);
      }),
    );
  });

  test('the order depends on key and epoch, not on the size or an earlier call', () => {
    const order = (size: number, epoch: number): number[] =>
      batches(50, { size, key, epoch }).flatMap((batch) => [...batch]);
    expect(order(7, 1)).toEqual(order(50, 1));
    expect(order(7, 1)).not.toEqual(order(7, 2));
    expect(order(7, 1)).not.toEqual(
      batches(50, { size: 7, key: hostKey(4), epoch: 1 }).flatMap((batch) => [...batch]),
    );
  });

  test('refuses sizes and epochs that are none', () => {
    expect(() => batches(5, { size: 0, key, epoch: 0 })).toThrow(/size is a whole .* got 0/);
    expect(() => batches(5, { size: 1, key, epoch: -1 })).toThrow(/epoch is a whole .* got -1/);
  });
});

test('batches refuses a seed in the place of its key', () => {
  for (const key of [1, undefined, [1]] as never[])
    expect(() => batches(5, { size: 2, key, epoch: 0 })).toThrow(/key is .*hostKey\(seed\)/);
});

describe('takeRows', () => {
  const array = { data: Int32Array.of(0, 1, 10, 11, 20, 21), shape: [3, 2] };

  test('gathers rows in the order of the indices', () => {
    const batch = takeRows(array, Uint32Array.of(2, 0, 2));
    expect(batch.shape).toEqual([3, 2]);
    expect([...batch.data]).toEqual([20, 21, 0, 1, 20, 21]);
    expect([...batch.weights]).toEqual([1, 1, 1]);
  });

  test('fills a short batch with zeros or with its first row, of weight 0', () => {
    const zero = takeRows(array, [1], { rows: 3 });
    expect([...zero.data]).toEqual([10, 11, 0, 0, 0, 0]);
    expect([...zero.weights]).toEqual([1, 0, 0]);
    const repeat = takeRows(array, [1], { rows: 3, fill: 'repeat' });
    expect([...repeat.data]).toEqual([10, 11, 10, 11, 10, 11]);
    expect([...repeat.weights]).toEqual([1, 0, 0]);
    expect([...takeRows(array, [], { rows: 1, fill: 'repeat' }).data]).toEqual([0, 0]);
  });

  test('overwrites and returns what it is given', () => {
    const out = takeRows(array, [0, 1]);
    const again = takeRows(array, [2], { rows: 2, out });
    expect(again).toBe(out);
    expect([...out.data]).toEqual([20, 21, 0, 0]);
    expect([...out.weights]).toEqual([1, 0]);
  });

  test('keeps the type of the elements; a vector has rows of one', () => {
    const pixels = takeRows({ data: Uint8ClampedArray.of(1, 255), shape: [2] }, [1]);
    expect(pixels.data).toEqual(Uint8ClampedArray.of(255));
    const batch = takeRows({ data: Float32Array.of(0.5, 1.5), shape: [2] }, [1]);
    expect(batch.data).toBeInstanceOf(Float32Array);
    expect(batch.shape).toEqual([1]);
    expect([...batch.data]).toEqual([1.5]);
  });

  test.each([
    [[3], {}, /index 3 is outside of the 3 rows/],
    [[-1], {}, /index -1/],
    [[0, 1], { rows: 1 }, /2 indices do not fit 1 rows/],
    [[0], { out: takeRows(array, [0, 1]) }, /"out" has the shape \[2, 2\].* wanted \[1, 2\]/],
    [[0], { out: { ...takeRows(array, [0]), weights: new Float32Array(0) } }, /and 0 weights/],
    [[0, 1], { fill: 'last' as never }, /fill is "zero" or "repeat", got "last"/],
  ])('refuses %j', (indices, options, message) => {
    expect(() => takeRows(array, indices, options)).toThrow(message);
  });

  test('refuses to overwrite a batch of another shape, though it has the size', () => {
    const out = takeRows({ data: new Int32Array(2), shape: [1, 1, 2] }, [0]);
    expect(() => takeRows(array, [0], { out })).toThrow(
      /"out" has the shape \[1, 1, 2\].* \[1, 2\]/,
    );
  });

  test('refuses a shape that is not the data’s, whose last row would be none', () => {
    const short = { data: Int32Array.of(1, 2, 3), shape: [2, 2] };
    expect(() => takeRows(short, [1])).toThrow(/has 3 elements, its shape \[2, 2\] says 4\./);
  });
});
