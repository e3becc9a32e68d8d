/** The simple recurrent cell: one activation of input and previous state. */
import {
  add,
  broadcastTo,
  checkOptions,
  fail,
  type Key,
  keys,
  matmul,
  shown,
  type Tensor,
  tanh as tanhOf,
  zeros,
} from '@ostinato/core';
import type { Cell } from './cell.ts';
import { checkChoice, checkInput, checkParameters, checkSizes } from './check.ts';
import { glorotUniform, orthogonal } from './initial.ts';

export interface ElmanOptions {
  /** Size of the input. */
  readonly inputs: number;
  /** Size of the state and the output. */
  readonly units: number;
  /** Any function of one tensor that keeps its shape; tanh by default. */
  readonly activation?: ((x: Tensor) => Tensor) | undefined;
  /** 'one' (default; Keras), 'two' (PyTorch, ONNX: the state's product has a bias of its own) or 'none'. */
  readonly bias?: Bias | undefined;
}

/** How many bias vectors a cell adds to its products. */
export type Bias = 'one' | 'two' | 'none';
export const biases: readonly Bias[] = ['one', 'two', 'none'];

export interface ElmanParams {
  /** W [inputs, units] */
  readonly kernel: Tensor;
  /** U [units, units] */
  readonly recurrent: Tensor;
  /** b [units] */
  readonly bias: Tensor | null;
  /** d [units], with two biases */
  readonly recurrentBias: Tensor | null;
}

/**
 * The vanilla recurrent network (Elman 1990, "Finding structure in time").
 *
 *     h = f(x W + b + h' U + d)
 *
 * with f = tanh unless told, and d only with two biases. The output is h [batch, units]. W starts Glorot uniform, U
 * orthogonal, biases zero, as in Keras.
 */
export function elman(options: ElmanOptions): Cell<ElmanParams, Tensor> {
  checkOptions('elman', options, 'inputs, units, activation, bias');
  const { inputs, units, activation = tanhOf, bias = 'one' } = options;
  checkSizes('elman', { inputs, units });
  checkChoice('elman', 'bias', bias, biases);
  if (typeof activation !== 'function')
    fail(
      'option-invalid',
      `elman: activation is ${shown(activation)}. Give a function, such as tanh.`,
    );
  const shapes = parameterShapes(inputs, units, bias);
  return {
    label: 'elman',
    init(key: Key) {
      const [forKernel, forRecurrent] = keys(key, 2) as [Key, Key];
      return {
        kernel: glorotUniform(forKernel, shapes.kernel),
        recurrent: orthogonal(forRecurrent, shapes.recurrent),
        bias: shapes.bias && zeros(shapes.bias),
        recurrentBias: shapes.recurrentBias && zeros(shapes.recurrentBias),
      };
    },
    start(params, batch) {
      checkParameters('elman', params, shapes);
      return zeros([batch, units], params.recurrent.dtype);
    },
    step(params, state, x) {
      checkInput('elman', x, inputs);
      const wx = withBias(matmul(x, params.kernel), params.bias); // [batch, units]
      const z = withBias(add(wx, matmul(state, params.recurrent)), params.recurrentBias);
      const h = activation(z);
      return [h, h];
    },
  };
}

export interface ParameterShapes {
  readonly kernel: readonly [number, number];
  readonly recurrent: readonly [number, number];
  readonly bias: readonly [number] | null;
  readonly recurrentBias: readonly [number] | null;
}

/** Of W, U, b and d, where a cell has `gates` next to each other in their columns. */
export function parameterShapes(
  inputs: number,
  units: number,
  bias: Bias,
  gates = 1,
): ParameterShapes {
  const columns = gates * units;
  return {
    kernel: [inputs, columns],
    recurrent: [units, columns],
    bias: bias === 'none' ? null : [columns],
    recurrentBias: bias === 'two' ? [columns] : null,
  };
}

/** A bias [n] on [..., n]. */
export const withBias = (z: Tensor, b: Tensor | null): Tensor =>
  b === null ? z : add(z, broadcastTo(b, z.shape));
