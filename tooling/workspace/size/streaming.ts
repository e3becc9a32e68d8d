/** A worker that streams: a trained LSTM, one step per message, the state carried from call to call. */
import { wasm } from '@ostinato/backend-wasm';
import { lstm, recurrent } from '@ostinato/cells';
import { compile, run, type Tensor, zeros } from '@ostinato/core';

const [inputs, units] = [16, 64];
const layer = recurrent(lstm({ inputs, units }), { returns: 'last' });
type Params = ReturnType<typeof layer.init>;
type State = ReturnType<typeof layer.unroll>['state'];

/** What was trained elsewhere: float32, one tensor after the other. */
const file = await (await fetch('lstm.bin')).arrayBuffer();
const part = (from: number, ...shape: [number, number?]) => ({
  data: new Float32Array(file, 4 * from, shape[0] * (shape[1] ?? 1)),
  shape: shape as number[],
});
const trained = {
  kernel: part(0, inputs, 4 * units),
  recurrent: part(4 * inputs * units, units, 4 * units),
  bias: part(4 * (inputs + units) * units, 4 * units),
  recurrentBias: null,
};

const backend = await wasm();
const params = await compile(backend, (p: Params) => p)(trained);
const step = compile(backend, (p: Params, x: Tensor, initial: State) =>
  layer.unroll(p, x, { initial }),
);
let state: State = await run(backend, { h: zeros([1, units]), c: zeros([1, units]) });

async function advance(data: Float32Array): Promise<void> {
  const next = await step(params, { data, shape: [1, 1, inputs] }, state);
  state = next.state;
  postMessage((await next.output.read()).data);
}

let last = Promise.resolve();
addEventListener('message', ({ data }: { data: Float32Array }) => {
  last = last.then(() => advance(data)); // one after the other: each needs the state of the one before
});

declare function addEventListener(type: 'message', listener: (event: never) => void): void;
declare function postMessage(message: unknown): void;
