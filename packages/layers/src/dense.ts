/** The fully connected layer. */
import { glorotUniform, type Layer } from '@ostinato/cells';
import {
  add,
  broadcastTo,
  checkOptions,
  fail,
  matmul,
  shown,
  type Tensor,
  zeros,
} from '@ostinato/core';
import { checkParameters, checkSizes } from './check.ts';

export interface DenseOptions {
  /** Size of the last axis of the input. */
  readonly inputs: number;
  /** Size of the last axis of the output. */
  readonly units: number;
  /** Any function of one tensor; none by default. */
  readonly activation?: ((x: Tensor) => Tensor) | undefined;
  /** Whether a bias is added; true by default. */
  readonly bias?: boolean | undefined;
}

export interface DenseParams {
  /** W [inputs, units] */
  readonly kernel: Tensor;
  /** b [units] */
  readonly bias: Tensor | null;
}

/**
 * f(x W + b) on the last axis of [..., inputs]; the other axes, time among them, share W and b. W starts Glorot
 * uniform, b zero, as in Keras.
 */
export function dense(options: DenseOptions): Layer<DenseParams> {
  checkOptions('dense', options, 'inputs, units, activation, bias');
  const { inputs, units, activation = (x) => x, bias = true } = options;
  checkSizes('dense', { inputs, units });
  if (typeof activation !== 'function')
    fail(
      'option-invalid',
      `dense: activation is ${shown(activation)}. Give a function, such as tanh.`,
    );
  if (typeof bias !== 'boolean')
    fail('option-invalid', `dense: bias is ${shown(bias)}. Give true or false.`);
  const shapes = { kernel: [inputs, units], bias: bias ? [units] : null } as const;
  return {
    label: 'dense',
    init: (key) => ({
      kernel: glorotUniform(key, [inputs, units]),
      bias: bias ? zeros([units]) : null,
    }),
    apply(params, x) {
      if (x.shape.at(-1) !== inputs)
        fail(
          'shape-mismatch',
          `dense: the input is ${x.dtype}[${x.shape}], but the layer was made for ${inputs} inputs. Give [..., ${inputs}], or make the layer with inputs: ${x.shape.at(-1)}.`,
        );
      checkParameters('dense', params, shapes);
      const z = matmul(x, params.kernel); // [..., units]
      return activation(params.bias === null ? z : add(z, broadcastTo(params.bias, z.shape)));
    },
  };
}
