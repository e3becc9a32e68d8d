/** The long short-term memory. */
import {
  add,
  checkOptions,
  concat,
  fail,
  full,
  type Key,
  keys,
  matmul,
  mul,
  shown,
  sigmoid,
  split,
  type Tensor,
  tanh,
  zeros,
} from '@ostinato/core';
import type { Cell, Gates } from './cell.ts';
import { checkChoice, checkInput, checkParameters, checkSizes } from './check.ts';
import { type Bias, biases, parameterShapes, withBias } from './elman.ts';
import { glorotUniform, orthogonal } from './initial.ts';

export interface LstmOptions {
  /** Size of the input. */
  readonly inputs: number;
  /** Size of the state h, the memory c and the output. */
  readonly units: number;
  /** 'one' (default; Keras), 'two' (PyTorch, ONNX: the state's product has a bias of its own) or 'none'. */
  readonly bias?: Bias | undefined;
  /** What the forget gate's bias starts from: 1 (default; Keras' unit_forget_bias), 0 (PyTorch) or any number. */
  readonly forgetBias?: number | undefined;
}

/** Columns in the order input, forget, candidate, output. */
export interface LstmParams {
  /** W [inputs, 4 * units] */
  readonly kernel: Tensor;
  /** U [units, 4 * units] */
  readonly recurrent: Tensor;
  /** b [4 * units] */
  readonly bias: Tensor | null;
  /** d [4 * units], with two biases */
  readonly recurrentBias: Tensor | null;
}

export interface LstmState {
  readonly h: Tensor;
  /** The memory. */
  readonly c: Tensor;
}

/**
 * LSTM with a forget gate (Hochreiter & Schmidhuber 1997; Gers et al. 2000), as in PyTorch, Keras and ONNX.
 *
 *     [i, f, g, o] = x W + b + h' U + d, then sigmoid of i, f and o, tanh of g
 *     c = f * c' + i * g
 *     h = o * tanh(c)
 *
 * with d only with two biases. The output is h [batch, units]. W starts Glorot uniform, U orthogonal, biases zero but
 * for the forget gate's (Jozefowicz et al. 2015), as in Keras.
 */
export function lstm(options: LstmOptions): Cell<LstmParams, LstmState> {
  checkOptions('lstm', options, 'inputs, units, bias, forgetBias');
  const { inputs, units, bias = 'one', forgetBias = 1 } = options;
  checkSizes('lstm', { inputs, units });
  checkChoice('lstm', 'bias', bias, biases);
  if (!Number.isFinite(forgetBias))
    fail('option-invalid', `lstm: forgetBias is ${shown(forgetBias)}. Give a number, such as 1.`);
  const shapes = parameterShapes(inputs, units, bias, 4);
  return {
    label: 'lstm',
    init(key: Key) {
      const [forKernel, forRecurrent] = keys(key, 2) as [Key, Key];
      const remember = [zeros([units]), full([units], forgetBias), zeros([2 * units])];
      return {
        kernel: glorotUniform(forKernel, shapes.kernel),
        recurrent: orthogonal(forRecurrent, shapes.recurrent),
        bias: shapes.bias && concat(remember),
        recurrentBias: shapes.recurrentBias && zeros(shapes.recurrentBias),
      };
    },
    start(params, batch) {
      checkParameters('lstm', params, shapes);
      const zero = zeros([batch, units], params.recurrent.dtype);
      return { h: zero, c: zero };
    },
    gates(params, state, x) {
      checkInput('lstm', x, inputs);
      return lstmGates(params, state, x);
    },
    step(params, state, x) {
      checkInput('lstm', x, inputs);
      const { i, f, g, o } = lstmGates(params, state, x);
      const c = add(mul(f, state.c), mul(i, g));
      const h = mul(o, tanh(c));
      return [{ h, c }, h];
    },
  };
}

function lstmGates(
  params: LstmParams,
  { h }: LstmState,
  x: Tensor,
): Gates & Record<'i' | 'f' | 'g' | 'o', Tensor> {
  const wx = withBias(matmul(x, params.kernel), params.bias); // [batch, 4 * units]
  const z = withBias(add(wx, matmul(h, params.recurrent)), params.recurrentBias);
  const [i, f, g, o] = split(z, 4) as [Tensor, Tensor, Tensor, Tensor];
  return { i: sigmoid(i), f: sigmoid(f), g: tanh(g), o: sigmoid(o) };
}
