/** Trains a cell of one's own to say at each step whether an odd number of ones came so far: that needs a memory. */
import { cpu } from '@ostinato/backend-cpu';
import { type Cell, glorotUniform, orthogonal, recurrent } from '@ostinato/cells';
import * as o from '@ostinato/core';
import { bits, hostKey } from '@ostinato/core/random';
import { dense, sequential } from '@ostinato/layers';
import { adam, binaryCrossEntropy } from '@ostinato/training';

type Params = Readonly<Record<'W' | 'U' | 'V', o.Tensor>>;

/** h = tanh(x W + (h' U) * (x V)): the input turns the state, instead of adding to it. */
const turning = (inputs: number, units: number): Cell<Params, o.Tensor> => ({
  init(key) {
    const [w, u, v] = o.keys(key, 3) as [o.Key, o.Key, o.Key];
    return {
      W: glorotUniform(w, [inputs, units]),
      U: orthogonal(u, [units, units]),
      V: glorotUniform(v, [inputs, units]),
    };
  },
  start: (_, batch) => o.zeros([batch, units]),
  step({ W, U, V }, h, x) {
    const next = o.tanh(o.add(o.matmul(x, W), o.mul(o.matmul(h, U), o.matmul(x, V))));
    return [next, next]; // the state, and the output of the step
  },
});

const model = sequential([
  recurrent(turning(2, 8), { returns: 'sequence' }),
  dense({ inputs: 8, units: 1 }), // the same at every step
]);
type P = ReturnType<typeof model.init>;
const [batch, time] = [16, 12];
const ones = Int32Array.from(bits(hostKey(0), batch * time), (word) => word & 1);
const odd = ones.map((_, i) => ones.slice(i - (i % time), i + 1).reduce((a, b) => a ^ b, 0));
const x = { data: Float32Array.from(ones), shape: [batch, time] };
const targets = { data: Float32Array.from(odd), shape: [batch, time, 1] };

const backend = cpu();
const optimizer = adam({ learningRate: 0.02 });
type State = ReturnType<typeof optimizer.init<P>>;
const step = o.compile(
  backend,
  (params: P, state: State, x: o.Tensor, t: o.Tensor) => {
    const inputs = o.stack([x, o.sub(1, x)], -1); // [batch, time, 2]
    const loss = (p: P): o.Tensor => binaryCrossEntropy(model.apply(p, inputs), t);
    const [value, gradient] = o.valueAndGrad(loss)(params);
    return [value, ...optimizer.update(gradient, state, params)] as const;
  },
  { donate: [0, 1] },
);

let params = await o.run(backend, model.init(o.key(1)));
let state = await o.run(backend, optimizer.init(params));
for (let i = 0; i <= 300; i++) {
  let loss: o.Tensor;
  [loss, params, state] = await step(params, state, x, targets);
  if (i % 100 === 0) console.log(`step ${i}: loss ${(await loss.item()).toFixed(4)}`);
  loss.dispose();
}
