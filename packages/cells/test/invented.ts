/** A cell of one's own, for tests: layer norm, softsign and a readout inside the step. Nobody wrote a kernel for it. */
import {
  abs,
  add,
  broadcastTo,
  div,
  type Key,
  keys,
  matmul,
  mean,
  mul,
  ones,
  sigmoid,
  sqrt,
  sub,
  type Tensor,
  tanh,
  zeros,
} from '@ostinato/core';
import { type Cell, glorotUniform, orthogonal } from '../src/index.ts';

interface Params {
  readonly W: Tensor;
  readonly U: Tensor;
  readonly gain: Tensor;
  readonly keep: Tensor;
  readonly V: Tensor;
}

const softsign = (x: Tensor): Tensor => div(x, add(1, abs(x)));

/** h = k * h' + (1 - k) * softsign(norm(tanh(x) W + h' U) * gain), with k = sigmoid(keep); the output is h V. */
export function invented(sizes: {
  inputs: number;
  units: number;
  outputs: number;
}): Cell<Params, { readonly h: Tensor }> {
  const { inputs, units, outputs } = sizes;
  return {
    label: 'invented',
    init(key) {
      const [w, u, v] = keys(key, 3) as [Key, Key, Key];
      return {
        W: glorotUniform(w, [inputs, units]),
        U: orthogonal(u, [units, units]),
        gain: ones([units]),
        keep: zeros([units]),
        V: glorotUniform(v, [units, outputs]),
      };
    },
    start: ({ U }, batch) => ({ h: zeros([batch, units], U.dtype) }),
    step({ W, U, gain, keep, V }, { h }, x) {
      const wide = (t: Tensor): Tensor => broadcastTo(t, h.shape);
      const z = add(matmul(tanh(x), W), matmul(h, U)); // [batch, units]
      const centred = sub(z, wide(mean(z, { axes: 1, keepDims: true })));
      const variance = mean(mul(centred, centred), { axes: 1, keepDims: true });
      const normal = div(centred, wide(sqrt(add(variance, 1e-3))));
      const k = wide(sigmoid(keep));
      const next = add(mul(k, h), mul(sub(1, k), softsign(mul(normal, wide(gain)))));
      return [{ h: next }, matmul(next, V)];
    },
  };
}
