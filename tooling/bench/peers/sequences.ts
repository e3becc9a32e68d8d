/** One recurrent layer over random sequences, as plain numbers: every side builds its own from these. */
import { draw } from './draw.ts';

/** What a side computes. Sides in Python read the same record. */
export interface Sequences {
  /** 'normed' is a user's own: an LSTM whose gates are normalised. */
  readonly cell: 'lstm' | 'gru' | 'normed';
  /**
   * 'inference': all outputs of all steps, read. 'training': mean squared error of all outputs, gradients of the
   * weights but not of the input, gradient descent, the loss read. 'gradients': those of the weights for given ones of
   * all outputs, which is what of training is the layer's own. 'step': one time step from the host and back, with the
   * state carried.
   */
  readonly mode: 'inference' | 'training' | 'gradients' | 'step';
  readonly batch: number;
  readonly time: number;
  readonly inputs: number;
  readonly units: number;
  /** 'two' and 'after' are PyTorch's; 'one' and 'before' tfjs'. */
  readonly bias: 'one' | 'two';
  readonly reset: 'before' | 'after';
  readonly learningRate: number;
  readonly threads: number;
}

export interface HostTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Columns of one gate each. */
export const gates = { lstm: 4, gru: 3, normed: 4 } as const satisfies Record<
  Sequences['cell'],
  number
>;

/** Gates in PyTorch's order: input, forget, candidate, output; reset, update, candidate. */
export interface SequenceWeights {
  /** [inputs, gates * units] */
  readonly kernel: HostTensor;
  /** [units, gates * units] */
  readonly recurrent: HostTensor;
  /** [gates * units] */
  readonly bias: HostTensor;
  /** Zeros with one bias. */
  readonly recurrentBias: HostTensor;
}

export function sequenceWeights({ cell, inputs, units, bias }: Sequences): SequenceWeights {
  const columns = gates[cell] * units;
  const limit = units ** -0.5;
  const of = (seed: number, shape: readonly number[], most = limit): HostTensor => ({
    data: draw(
      seed,
      shape.reduce((a, b) => a * b, 1),
      most,
    ),
    shape,
  });
  return {
    kernel: of(1, [inputs, columns]),
    recurrent: of(2, [units, columns]),
    bias: of(3, [columns]),
    recurrentBias: of(4, [columns], bias === 'two' ? limit : 0),
  };
}

/** Input [batch, time, inputs] and what outputs should be, [batch, time, units]. */
export function sequenceData({ batch, time, inputs, units }: Sequences): {
  input: HostTensor;
  target: HostTensor;
} {
  return {
    input: { data: draw(5, batch * time * inputs, 1), shape: [batch, time, inputs] },
    target: { data: draw(6, batch * time * units, 1), shape: [batch, time, units] },
  };
}

/** [batch, time, units], so large that gradients of the weights are of the order of 1. */
export function outputGradient({ batch, time, units }: Sequences): HostTensor {
  const shape = [batch, time, units];
  return { data: draw(6, batch * time * units, (batch * time) ** -0.5), shape };
}

/** Losses of this many training steps, or outputs of this many streaming steps, are compared before timing. */
export const CHECKED = 3;

/** Of many outputs, in the order [batch, time, units], those compared: 1009, evenly apart, or all. */
export function sample(outputs: ArrayLike<number>): number[] {
  const count = Math.min(1009, outputs.length);
  return Array.from(
    { length: count },
    (_, k) => outputs[Math.floor((k * outputs.length) / count)] as number,
  );
}

/**
 * Of the products that a mode needs, 2 for each element and depth. Training needs the forward's again for the gradients
 * of the weights, and those of the state alone: the input's gradient is not computed.
 */
export function flopsOf({ cell, mode, batch, time, inputs, units }: Sequences): number {
  const product = (depth: number): number => 2 * batch * time * gates[cell] * units * depth;
  const forward = product(inputs + units);
  return mode === 'training' || mode === 'gradients' ? 2 * forward + product(units) : forward;
}
