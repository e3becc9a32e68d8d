/** Small models and data that tests train on. */
import {
  add,
  bernoulli,
  type Key,
  keys,
  matmul,
  mul,
  normal,
  type Tensor,
  tanh,
  where,
  zeros,
} from '@ostinato/core';
import { hostKey, uniform } from '@ostinato/core/random';
import { binaryCrossEntropy, type Model, type TrainingData } from '../src/index.ts';

export interface Mlp {
  readonly hidden: { readonly w: Tensor; readonly b: Tensor };
  readonly out: { readonly w: Tensor };
}

/** [B, 3] to [B, 1] over 8 hidden units, half of them dropped in training. */
export const mlp: Model<Mlp> = {
  init(key) {
    const [a, b] = keys(key, 2) as [Key, Key];
    return {
      hidden: { w: mul(normal(a, [3, 8]), 0.5), b: zeros([1, 8]) },
      out: { w: mul(normal(b, [8, 1]), 0.5) },
    };
  },
  apply(params, x, { key, training }) {
    const h = tanh(add(matmul(x, params.hidden.w), params.hidden.b)); // [B, 8]
    const kept = training ? where(bernoulli(key, 0.5, h.shape), mul(h, 2), 0) : h;
    return matmul(kept, params.out.w); // [B, 1]
  },
};

/** Points in a cube, and whether the sum of their coordinates is above 3/2. */
export function points(count: number, seed = 1): TrainingData {
  const data = uniform(hostKey(seed), count * 3);
  const targets = Float32Array.from({ length: count }, (_, i) => {
    const sum = [0, 1, 2].reduce((s, k) => s + (data[i * 3 + k] as number), 0);
    return sum > 1.5 ? 1 : 0;
  });
  return { inputs: { data, shape: [count, 3] }, targets: { data: targets, shape: [count] } };
}

export const loss = binaryCrossEntropy;

/** All numbers of a tree of host arrays, for comparisons of bits. */
export function numbersOf(tree: unknown): number[] {
  if (typeof tree === 'number') return [tree];
  if (ArrayBuffer.isView(tree)) return Array.from(tree as unknown as ArrayLike<number>);
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.keys(tree)
    .sort()
    .flatMap((key) => numbersOf((tree as Record<string, unknown>)[key]));
}
