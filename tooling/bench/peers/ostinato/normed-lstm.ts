/** A cell of a user's own: an LSTM whose gates are normalised, of nothing but core's operations. */
import type { Cell } from '@ostinato/cells';
import {
  add,
  broadcastTo,
  div,
  matmul,
  mean,
  mul,
  sigmoid,
  split,
  sqrt,
  sub,
  type Tensor,
  tanh,
  zeros,
} from '@ostinato/core';

interface Params {
  /** [inputs, 4 * units] */
  readonly kernel: Tensor;
  /** [units, 4 * units] */
  readonly recurrent: Tensor;
  /** [4 * units] */
  readonly gain: Tensor;
  /** [4 * units] */
  readonly bias: Tensor;
}

/** z = normalised(x W + h U) * gain + bias over all four gates (after Ba et al. 2016); then as in the LSTM. */
export function normedLstm(
  units: number,
): Cell<Params, { readonly h: Tensor; readonly c: Tensor }> {
  return {
    label: 'normed_lstm',
    init() {
      throw new Error('normedLstm: the bench gives all parameters');
    },
    start: (_, batch) => ({ h: zeros([batch, units]), c: zeros([batch, units]) }),
    step({ kernel, recurrent, gain, bias }, state, x) {
      const raw = add(matmul(x, kernel), matmul(state.h, recurrent)); // [batch, 4 * units]
      const wide = (t: Tensor): Tensor => broadcastTo(t, raw.shape);
      const centred = sub(raw, wide(mean(raw, { axes: -1, keepDims: true })));
      const variance = mean(mul(centred, centred), { axes: -1, keepDims: true });
      const normal = div(centred, wide(sqrt(add(variance, 1e-5))));
      const z = add(mul(normal, wide(gain)), wide(bias));
      const [i, f, g, o] = split(z, 4) as [Tensor, Tensor, Tensor, Tensor];
      const c = add(mul(sigmoid(f), state.c), mul(sigmoid(i), tanh(g)));
      const h = mul(sigmoid(o), tanh(c));
      return [{ h, c }, h];
    },
  };
}
