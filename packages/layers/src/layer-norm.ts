/** Layer normalisation. */
import type { Layer } from '@ostinato/cells';
import {
  add,
  broadcastTo,
  checkOptions,
  div,
  fail,
  mean,
  mul,
  ones,
  shown,
  sqrt,
  sub,
  type Tensor,
  zeros,
} from '@ostinato/core';
import { checkParameters, checkSizes } from './check.ts';

export interface LayerNormOptions {
  /** Size of the last axis. */
  readonly units: number;
  /** Added to the variance: 1e-5 by default, as in PyTorch (Keras takes 1e-3). */
  readonly epsilon?: number | undefined;
}

export interface LayerNormParams {
  /** [units] */
  readonly gain: Tensor;
  /** [units] */
  readonly bias: Tensor;
}

/** (x - mean) / sqrt(variance + epsilon) * gain + bias over the last axis (Ba et al. 2016). */
export function layerNorm(options: LayerNormOptions): Layer<LayerNormParams> {
  checkOptions('layerNorm', options, 'units, epsilon');
  const { units, epsilon = 1e-5 } = options;
  checkSizes('layerNorm', { units });
  if (!(Number.isFinite(epsilon) && epsilon > 0))
    fail('option-invalid', `layerNorm: epsilon is ${shown(epsilon)}. Give a small number above 0.`);
  const shapes = { gain: [units], bias: [units] };
  return {
    label: 'layerNorm',
    init: () => ({ gain: ones([units]), bias: zeros([units]) }),
    apply(params, x) {
      if (x.shape.at(-1) !== units)
        fail(
          'shape-mismatch',
          `layerNorm: the input is ${x.dtype}[${x.shape}], but the layer was made for ${units} units. Give [..., ${units}].`,
        );
      checkParameters('layerNorm', params, shapes);
      const { gain, bias } = params;
      const wide = (t: Tensor): Tensor => broadcastTo(t, x.shape);
      const centred = sub(x, wide(mean(x, { axes: -1, keepDims: true })));
      const variance = mean(mul(centred, centred), { axes: -1, keepDims: true });
      const normal = div(centred, wide(sqrt(add(variance, epsilon))));
      return add(mul(normal, wide(gain)), wide(bias));
    },
  };
}
