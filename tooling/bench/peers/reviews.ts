/** The model and the batch of the sentiment benches, as plain numbers: every side builds its own from these. */
import { draw } from './draw.ts';

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
  const of = (seed: number, shape: readonly number[], limit: number): HostTensor => ({
    data: draw(
      seed,
      shape.reduce((a, b) => a * b, 1),
      limit,
    ),
    shape,
  });
  return {
    table: of(1, [words, features], 0.5),
    kernel: of(2, [features, columns], 0.2),
    recurrent: of(3, [units, columns], 0.2),
    bias: of(4, [columns], 0.2),
    denseKernel: of(5, [units, 1], 0.5),
    denseBias: of(6, [1], 0.5),
  };
}

/** One batch, used in every step: ids [batch, time] and labels [batch, 1]. */
export function batchOf({ words, batch, time }: Reviews): {
  ids: Int32Array;
  labels: Float32Array;
} {
  return {
    ids: Int32Array.from(draw(7, batch * time, 1), (x) => Math.floor(((x + 1) / 2) * words)),
    labels: draw(8, batch, 1).map((x) => (x < 0 ? 0 : 1)),
  };
}
