import { expect, test } from 'vitest';
import { draw } from '../peers/draw.ts';
import { flopsOf, type Sequences, sample, sequenceWeights } from '../peers/sequences.ts';

const spec: Sequences = {
  cell: 'lstm',
  mode: 'inference',
  batch: 2,
  time: 3,
  inputs: 4,
  units: 5,
  bias: 'two',
  reset: 'after',
  learningRate: 1,
  threads: 1,
};

test('drawn numbers are those of peers/torch/draw.py', () => {
  // draw(3, 4, 0.5) there, to all its digits
  expect([...draw(3, 4, 0.5)]).toEqual([
    -0.36192333698272705, -0.4721840023994446, -0.3435424566268921, 0.29376858472824097,
  ]);
});

test('drawn numbers fill their range', () => {
  const numbers = draw(1, 10_000, 0.5);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(-0.5);
  expect(Math.max(...numbers)).toBeLessThan(0.5);
  expect(Math.abs(numbers.reduce((a, b) => a + b) / numbers.length)).toBeLessThan(0.01);
});

test('few outputs are all compared, many evenly apart', () => {
  expect(sample([1, 2, 3])).toEqual([1, 2, 3]);
  expect(sample(new Float32Array(5000))).toHaveLength(1009);
});

test('training counts its three products, but not the gradient of the input', () => {
  const forward = 2 * 2 * 3 * 4 * 5 * (4 + 5);
  expect(flopsOf(spec)).toBe(forward);
  for (const mode of ['training', 'gradients'] as const)
    expect(flopsOf({ ...spec, mode })).toBe(2 * forward + 2 * 2 * 3 * 4 * 5 * 5);
});

test('with one bias the other is zero', () => {
  const { recurrentBias } = sequenceWeights({ ...spec, bias: 'one' });
  expect(recurrentBias.data.every((x) => x === 0)).toBe(true);
});
