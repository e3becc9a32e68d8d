/** The gated recurrent unit, in its two forms. */
import {
  add,
  checkOptions,
  type Key,
  keys,
  matmul,
  mul,
  sigmoid,
  slice,
  split,
  sub,
  type Tensor,
  tanh,
  zeros,
} from '@ostinato/core';
import type { Cell, Gates } from './cell.ts';
import { checkChoice, checkInput, checkParameters, checkSizes } from './check.ts';
import { type Bias, biases, parameterShapes, withBias } from './elman.ts';
import { glorotUniform, orthogonal } from './initial.ts';

export interface GruOptions {
  /** Size of the input. */
  readonly inputs: number;
  /** Size of the state and the output. */
  readonly units: number;
  /**
   * Where the reset gate acts. 'before' the product with the state: Cho et al. 2014, ONNX with linear_before_reset 0,
   * Keras with reset_after false. 'after' it: cuDNN, PyTorch, Keras by default, ONNX with linear_before_reset 1.
   */
  readonly reset: 'before' | 'after';
  /** What the update gate z does: 'keep' the old state (default; PyTorch, Keras, ONNX) or 'write' the new one. */
  readonly update?: 'keep' | 'write' | undefined;
  /**
   * 'one', 'two' (the state's product has a bias of its own) or 'none'. The default is Keras': two where the reset
   * acts after the product, so that one of them is reset too, and one where it acts before.
   */
  readonly bias?: Bias | undefined;
}

/** Columns in the order reset, update, candidate. */
export interface GruParams {
  /** W [inputs, 3 * units] */
  readonly kernel: Tensor;
  /** U [units, 3 * units] */
  readonly recurrent: Tensor;
  /** b [3 * units] */
  readonly bias: Tensor | null;
  /** d [3 * units], with two biases */
  readonly recurrentBias: Tensor | null;
}

/**
 * GRU. With W, U, b and d cut into columns r, z, n:
 *
 *     r = sigmoid(x Wr + br + h' Ur + dr)
 *     z = sigmoid(x Wz + bz + h' Uz + dz)
 *     n = tanh(x Wn + bn + (r * h') Un + dn)      reset: 'before' (Cho et al. 2014)
 *     n = tanh(x Wn + bn + r * (h' Un + dn))      reset: 'after'  (cuDNN)
 *     h = z * h' + (1 - z) * n                    update: 'keep'  (PyTorch, Keras, ONNX)
 *     h = (1 - z) * h' + z * n                    update: 'write' (Chung et al. 2014)
 *
 * with d only with two biases. The output is h [batch, units]. W starts Glorot uniform, U orthogonal, biases zero, as
 * in Keras. 'keep' turns into 'write' by negating the columns z of all parameters.
 */
export function gru(options: GruOptions): Cell<GruParams, Tensor> {
  checkOptions('gru', options, 'inputs, units, reset, update, bias');
  const { inputs, units, reset, update = 'keep' } = options;
  const { bias = reset === 'after' ? 'two' : 'one' } = options;
  checkSizes('gru', { inputs, units });
  checkChoice('gru', 'reset', reset, ['before', 'after']);
  checkChoice('gru', 'update', update, ['keep', 'write']);
  checkChoice('gru', 'bias', bias, biases);
  const shapes = parameterShapes(inputs, units, bias, 3);
  const gates = reset === 'before' ? resetBefore : resetAfter;
  return {
    label: 'gru',
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
      checkParameters('gru', params, shapes);
      return zeros([batch, units], params.recurrent.dtype);
    },
    gates(params, h, x) {
      checkInput('gru', x, inputs);
      return gates(params, h, x);
    },
    step(params, h, x) {
      checkInput('gru', x, inputs);
      const { z, n } = gates(params, h, x);
      const next =
        update === 'keep' ? add(mul(z, h), mul(sub(1, z), n)) : add(mul(sub(1, z), h), mul(z, n));
      return [next, next];
    },
  };
}

type GruGates = (
  params: GruParams,
  h: Tensor,
  x: Tensor,
) => Gates & Record<'r' | 'z' | 'n', Tensor>;

const resetBefore: GruGates = (params, h, x) => {
  const { recurrent, recurrentBias } = params;
  const zx = withBias(matmul(x, params.kernel), params.bias); // [batch, 3 * units]
  const units = h.shape[1] as number;
  const gates = 2 * units;
  const zh = withBias(
    add(slice(zx, 1, 0, gates), matmul(h, slice(recurrent, 1, 0, gates))),
    recurrentBias && slice(recurrentBias, 0, 0, gates),
  ); // [batch, 2 * units]
  const [r, z] = split(sigmoid(zh), 2) as [Tensor, Tensor];
  const nh = add(slice(zx, 1, gates), matmul(mul(r, h), slice(recurrent, 1, gates)));
  return { r, z, n: tanh(withBias(nh, recurrentBias && slice(recurrentBias, 0, gates))) };
};

const resetAfter: GruGates = (params, h, x) => {
  const zx = withBias(matmul(x, params.kernel), params.bias); // [batch, 3 * units]
  const zh = withBias(matmul(h, params.recurrent), params.recurrentBias); // [batch, 3 * units]
  const [rx, zzx, nx] = split(zx, 3) as [Tensor, Tensor, Tensor];
  const [rh, zzh, nh] = split(zh, 3) as [Tensor, Tensor, Tensor];
  const r = sigmoid(add(rx, rh));
  return { r, z: sigmoid(add(zzx, zzh)), n: tanh(add(nx, mul(r, nh))) };
};
