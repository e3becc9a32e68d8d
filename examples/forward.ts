/**
 * Runs an LSTM over a batch with rows of different lengths, and then the same numbers as a stream, a few steps at a
 * time, with the state carried from call to call. Both end in the same place.
 */
import { cpu } from '@ostinato/backend-cpu';
import { lstm, recurrent } from '@ostinato/cells';
import { compile, explain, key, normal, run, type Tensor, tensor } from '@ostinato/core';

const layer = recurrent(lstm({ inputs: 3, units: 4 }), { returns: 'last' });
type Params = ReturnType<typeof layer.init>;
type State = ReturnType<typeof layer.unroll>['state'];

const backend = cpu();
const params = await run(backend, layer.init(key(1)));
const sequence = await run(backend, normal(key(2), [2, 6, 3])); // [batch, time, features]

const whole = compile(backend, (p: Params, x: Tensor, lengths: Tensor) =>
  layer.apply(p, x, { lengths }),
);
const last = await whole(params, sequence, tensor([6, 4], { dtype: 'int32' }));
const { data } = await last.read(); // [batch, units]
console.log('batch, row of 6 steps:', [...data.slice(0, 4)].map((v) => v.toFixed(4)).join(' '));
console.log('batch, row of 4 steps:', [...data.slice(4)].map((v) => v.toFixed(4)).join(' '));

const start = compile(backend, (p: Params, x: Tensor) => layer.unroll(p, x));
const goOn = compile(backend, (p: Params, x: Tensor, initial: State) =>
  layer.unroll(p, x, { initial }),
);
const numbers = await sequence.read();
const part = (from: number, to: number) => ({
  data: numbers.data.slice(from * 3, to * 3), // row 0
  shape: [1, to - from, 3],
});
let { output, state } = await start(params, part(0, 2));
for (let t = 2; t < 6; t += 2) ({ output, state } = await goOn(params, part(t, t + 2), state));
const streamed = (await output.read()).data;
console.log('stream, the same row: ', [...streamed].map((v) => v.toFixed(4)).join(' '));
console.log(explain(whole).split('\n')[2]);
