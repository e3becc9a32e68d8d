/** The model and the batch of the sentiment benches, as plain numbers: every side builds its own from these. */
import { type HostKey, hostKey, splitKey, uniform } from '@ostinato/core/random';

export type CellName = 'rnn' | 'lstm' | 'gru';

/** Embedding(words, features) -> cell(units) -> Dense(1, sigmoid), binary cross-entropy, Adam. */
export interface Reviews {
  readonly cell: CellName;
  readonly words: number;
  readonly batch: number;
  readonly time: number;
  readonly features: number;
  readonly units: number;
  /** Adam's, the same for all: their defaults differ. */
  readonly learningRate: number;
  readonly epsilon: number;
  /** Steps whose losses are compared before anything is timed. */
  readonly checked: number;
}

/** Columns of one gate each: z = x W + h U + b has this many times `units` columns. */
export const gates = { rnn: 1, lstm: 4, gru: 3 } as const satisfies Record<CellName, number>;

export interface HostTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Gates in Keras' order: input, forget, candidate, output; update, reset, candidate. */
export interface Weights {
  readonly table: HostTensor;
  readonly kernel: HostTensor;
  readonly recurrent: HostTensor;
  readonly bias: HostTensor;
  readonly denseKernel: HostTensor;
  readonly denseBias: HostTensor;
}

/** No weight is zero, so that a wrong gate or a forgotten bias shows in the first loss. */
export function weightsOf({ cell, words, features, units }: Reviews): Weights {
  const columns = gates[cell] * units;
  const keys = splitKey(hostKey(1), 6);
  const draw = (i: number, shape: readonly number[], limit: number): HostTensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = uniform(keys[i] as HostKey, size).map((x) => (2 * x - 1) * limit);
    return { data, shape };
  };
  return {
    table: draw(0, [words, features], 0.5),
    kernel: draw(1, [features, columns], 0.2),
    recurrent: draw(2, [units, columns], 0.2),
    bias: draw(3, [columns], 0.2),
    denseKernel: draw(4, [units, 1], 0.5),
    denseBias: draw(5, [1], 0.5),
  };
}

/** One batch, used in every step: ids [batch, time] and labels [batch, 1]. */
export function batchOf({ words, batch, time }: Reviews): {
  ids: Int32Array;
  labels: Float32Array;
} {
  const [forIds, forLabels] = splitKey(hostKey(2), 2) as [HostKey, HostKey];
  return {
    ids: Int32Array.from(uniform(forIds, batch * time), (x) => Math.floor(x * words)),
    labels: uniform(forLabels, batch).map((x) => Math.round(x)),
  };
}
