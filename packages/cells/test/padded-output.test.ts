/** Trap 4: where a step does not count the state holds, and the output is zero or repeats, as the option says. */
import { square, sum, type Tensor, tensor, valueAndGrad } from '@ostinato/core';
import { describe, expect, test } from 'vitest';
import {
  bidirectional,
  type Directions,
  elman,
  type LstmParams,
  lstm,
  type PaddedOutput,
  recurrent,
} from '../src/index.ts';
import { backends, evaluate, numbers, parameters } from './support.ts';

const sizes = { inputs: 2, units: 2 };
const [BATCH, TIME] = [3, 5];
// In the middle, at the start and everywhere: what repeats differs.
const mask = [
  [true, false, true, true, false],
  [false, false, true, false, true],
  [false, false, false, false, false],
];

describe.each(backends)('%s', (_, backend) => {
  const rows = async (paddedOutput: PaddedOutput, reverse = false): Promise<number[][][]> => {
    const layer = recurrent(lstm(sizes), { returns: 'sequence', paddedOutput, reverse });
    const [y] = await evaluate(
      backend,
      (p: LstmParams, x: Tensor) => layer.apply(p, x, { mask: tensor(mask) }),
      await parameters(layer),
      numbers(3, [BATCH, TIME, 2]),
    );
    const data = [...(y?.data ?? [])];
    return mask.map((row, b) =>
      row.map((_, t) => data.slice((b * TIME + t) * 2, (b * TIME + t) * 2 + 2)),
    );
  };

  for (const reverse of [false, true])
    test(`outputs repeat the last step that counted${reverse ? ', in reverse' : ''}`, async () => {
      const [zero, repeat] = [await rows('zero', reverse), await rows('repeat', reverse)];
      mask.forEach((row, b) => {
        let last = [0, 0];
        const order = row.map((_, t) => (reverse ? TIME - 1 - t : t));
        for (const t of order) {
          if (row[t]) last = zero[b]?.[t] as number[];
          else expect(zero[b]?.[t]).toEqual([0, 0]);
          expect(repeat[b]?.[t], `row ${b}, step ${t}`).toEqual(last);
        }
      });
    });

  test('both directions of a bidirectional layer do as each does alone', async () => {
    const options = { returns: 'sequence', paddedOutput: 'repeat' } as const;
    const layer = bidirectional(lstm(sizes), { ...options, merge: 'none' });
    const alone = [false, true].map((reverse) => recurrent(lstm(sizes), { ...options, reverse }));
    const [f, b, ...want] = await evaluate(
      backend,
      (p: Directions<LstmParams>, x: Tensor) => {
        const how = { mask: tensor(mask) };
        const { forward, backward } = layer.apply(p, x, how);
        const each = alone.map((one, k) => one.apply(k === 0 ? p.forward : p.backward, x, how));
        return [forward, backward, ...each];
      },
      await parameters(layer),
      numbers(3, [BATCH, TIME, 2]),
    );
    expect([f?.data, b?.data]).toEqual(want.map(({ data }) => data));
  });

  test('the gradient of what repeats goes to the step that it repeats', async () => {
    // One row, one valid step first: its output stands five times, so its gradient is five times as large.
    const gradient = async (paddedOutput: PaddedOutput): Promise<number[]> => {
      const layer = recurrent(elman(sizes), { returns: 'sequence', paddedOutput });
      const lengths = tensor({ data: Int32Array.of(1), shape: [1] });
      const [, g] = await evaluate(
        backend,
        (p: Parameters<typeof layer.apply>[0], x: Tensor) =>
          valueAndGrad((xs: Tensor) => sum(square(layer.apply(p, xs, { lengths }))))(x),
        await parameters(layer),
        numbers(5, [1, TIME, 2]),
      );
      return [...(g?.data ?? [])];
    };
    const [zero, repeat] = [await gradient('zero'), await gradient('repeat')];
    expect(zero.slice(2)).toEqual(new Array(8).fill(0));
    expect(repeat.slice(2)).toEqual(new Array(8).fill(0));
    // Float32 sums of five equal terms round differently from one product with 5: a few units in the last place.
    for (const [i, g] of repeat.slice(0, 2).entries())
      expect(g / (zero[i] as number)).toBeCloseTo(5, 5);
  });
});

test('an unknown option is an error that names the choices', () => {
  expect(() =>
    recurrent(lstm(sizes), { returns: 'last', paddedOutput: 'hold' as PaddedOutput }),
  ).toThrow(/paddedOutput is "hold"\. Give one of 'zero', 'repeat'/);
});
