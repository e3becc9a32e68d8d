/** A training step that the tests share: an embedding, an LSTM and a readout, with all gradients, from core alone. */
import {
  add,
  broadcastTo,
  compile,
  dispose,
  gather,
  type HostInput,
  leavesOf,
  matmul,
  mean,
  mul,
  scan,
  sigmoid,
  softplus,
  split,
  sub,
  type Tensor,
  tanh,
  transpose,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { hostKey, uniform } from '@ostinato/core/random';

export interface Sizes {
  readonly words: number;
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
}

const array = (seed: number, shape: readonly number[], scale = 0.4): HostInput => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { data: uniform(hostKey(seed), size).map((u) => (u - 0.5) * 2 * scale), shape };
};

interface Params {
  readonly table: Tensor;
  readonly w: Tensor;
  readonly u: Tensor;
  readonly b: Tensor;
  readonly readout: Tensor;
}

function lossOf(p: Params, ids: Tensor, labels: Tensor): Tensor {
  const [batch, units] = [ids.shape[0] as number, p.u.shape[0] as number];
  const x = transpose(gather(p.table, ids), [1, 0, 2]);
  const step = (s: { h: Tensor; c: Tensor }, xt: Tensor) => {
    const z = add(add(matmul(xt, p.w), broadcastTo(p.b, [batch, 4 * units])), matmul(s.h, p.u));
    const [i, f, g, o] = split(z, 4) as [Tensor, Tensor, Tensor, Tensor];
    const c = add(mul(sigmoid(f), s.c), mul(sigmoid(i), tanh(g)));
    return [{ h: mul(sigmoid(o), tanh(c)), c }, null] as const;
  };
  const start = { h: zeros([batch, units]), c: zeros([batch, units]) };
  const logits = matmul(scan(step, start, x)[0].h, p.readout);
  return mean(sub(softplus(logits), mul(logits, labels)));
}

/** The loss and all gradients of one step, twice, so that kept packing is used once. */
export async function trainingStep(
  backend: Backend,
  { words, steps, batch, units }: Sizes,
): Promise<Float32Array[]> {
  const params = {
    table: array(1, [words, units]),
    w: array(2, [units, 4 * units]),
    u: array(3, [units, 4 * units]),
    b: array(4, [4 * units]),
    readout: array(5, [units, 1]),
  };
  const ids = {
    data: Int32Array.from(uniform(hostKey(6), batch * steps), (u) => Math.floor(u * words)),
    shape: [batch, steps],
  };
  const labels = {
    data: Float32Array.from({ length: batch }, (_, i) => i % 2),
    shape: [batch, 1],
  };
  const step = compile(backend, (p: Params, i: Tensor, l: Tensor) =>
    valueAndGrad((q: Params) => lossOf(q, i, l))(p),
  );
  dispose(await step(params, ids, labels));
  const out = await step(params, ids, labels);
  const read = await Promise.all(
    leavesOf(out).map(async (t) => (await t.read()).data as Float32Array),
  );
  dispose(out);
  step.dispose();
  return read;
}
