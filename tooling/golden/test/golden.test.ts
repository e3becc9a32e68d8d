import { describe, expect, test } from 'vitest';
import {
  assertClose,
  closeness,
  type GoldenTensor,
  isClose,
  listGoldens,
  loadFunctionGoldens,
  loadGolden,
} from '../index.ts';

const tensor = (data: number[], shape: number[] = [data.length]) => ({ data, shape });
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

function tensorsIn(value: unknown): GoldenTensor[] {
  if (typeof value !== 'object' || value === null) return [];
  return 'data' in value ? [value as GoldenTensor] : Object.values(value).flatMap(tensorsIn);
}

describe('every file', () => {
  test.each(listGoldens())('%s decodes to finite tensors of the stated shape', (name) => {
    const golden = loadGolden(name);
    expect(golden.name).toBe(name);
    const tensors = tensorsIn(golden);
    expect(tensors.length).toBeGreaterThan(1);
    for (const { data, shape } of tensors) {
      expect(data).toBeInstanceOf(Float32Array);
      expect(data.length).toBe(sizeOf(shape));
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('recurrent', () => {
  test.each(listGoldens('recurrent'))('%s has the shapes of its config', (name) => {
    const { config, inputs, outputs, grads, weights } = loadGolden(name);
    const { T, B, I, H, layers } = config;
    const directions = config.bidirectional ? 2 : 1;
    expect(inputs.x.shape).toEqual([T, B, I]);
    expect(outputs.out.shape).toEqual([T, B, directions * H]);
    expect(outputs.h_n.shape).toEqual([layers * directions, B, H]);
    expect(outputs.c_n !== undefined).toBe(config.cell === 'lstm');
    expect(inputs.h0 !== undefined).toBe(config.initial === 'given');
    expect(Object.keys(weights)).toHaveLength(layers * directions * (2 + config.biases));
    expect(Object.keys(grads)).toEqual([...Object.keys(inputs), ...Object.keys(weights)]);
  });

  test('every cell has layers 1 to 3, two directions, lengths and both kinds of initial state', () => {
    for (const [cell, form] of [
      ['elman', 'tanh'],
      ['lstm', 'standard'],
      ['gru', 'reset-after'],
    ]) {
      const configs = listGoldens('recurrent')
        .map((name) => loadGolden(name).config)
        .filter((config) => config.cell === cell && config.form === form);
      const values = (key: 'layers' | 'bidirectional' | 'initial') =>
        new Set(configs.map((c) => c[key]));
      expect(values('layers')).toEqual(new Set([1, 2, 3]));
      expect(values('bidirectional')).toEqual(new Set([true, false]));
      expect(values('initial')).toEqual(new Set(['zero', 'given']));
      expect(configs.some(({ T, lengths }) => lengths?.includes(T) && lengths.includes(1))).toBe(
        true,
      );
    }
  });
});

describe('numbers recomputed here', () => {
  test('mean squared error', () => {
    for (const { inputs, outputs } of loadFunctionGoldens('mse_loss')) {
      const squares = Array.from(
        inputs.input.data,
        (x, k) => (x - (inputs.targets.data[k] ?? 0)) ** 2,
      );
      const mean = squares.reduce((sum, x) => sum + x, 0) / squares.length;
      assertClose(tensor([mean], []), outputs.loss, 'mse_loss');
    }
  });

  test('plain gradient descent', () => {
    const { config, initial, steps } = loadGolden('optimiser-sgd');
    let a = Array.from(initial.a.data);
    expect(steps).toHaveLength(10);
    for (const { grads, params } of steps) {
      a = a.map((x, k) => x - config.lr * (grads.a.data[k] ?? Number.NaN));
      assertClose(tensor(a, [2, 3]), params.a, 'optimiser-sgd a');
    }
  });
});

describe('the acceptance rule', () => {
  test('allows 1e-6 + 1e-5 of the largest element, everywhere in the tensor', () => {
    const want = tensor([10, 0]);
    expect(isClose(tensor([10, 1.009e-4]), want)).toBe(true);
    expect(isClose(tensor([10, 1.011e-4]), want)).toBe(false);
    expect(isClose(tensor([2e-6]), tensor([0]))).toBe(false);
  });

  test('names the worst element', () => {
    const got = tensor([1, 2, 3, 4.5], [2, 2]);
    const want = tensor([1, 2.1, 3, 4], [2, 2]);
    expect(closeness(got, want).worst).toEqual({ index: [1, 1], got: 4.5, want: 4, error: 0.5 });
    expect(() => assertClose(got, want, 'lstm-l1 grads.x')).toThrow(
      'lstm-l1 grads.x: at [1,1] got 4.5, want 4: error 5.00e-1, allowed 4.10e-5.',
    );
  });

  test('matches an infinity or NaN only with itself', () => {
    expect(isClose(tensor([Number.NaN]), tensor([1]))).toBe(false);
    expect(isClose(tensor([1, 5]), tensor([Number.POSITIVE_INFINITY, 5]))).toBe(false);
    expect(
      isClose(tensor([Number.NEGATIVE_INFINITY, 5]), tensor([Number.NEGATIVE_INFINITY, 5])),
    ).toBe(true);
  });

  test('refuses different shapes and a missing name', () => {
    expect(() => isClose(tensor([1, 2], [2, 1]), tensor([1, 2], [1, 2]))).toThrow(
      'golden: got shape [2,1], want [1,2].',
    );
    expect(() => loadGolden('recurrent-nothing')).toThrow('there is no "recurrent-nothing"');
  });
});
