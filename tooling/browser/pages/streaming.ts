/** An LSTM over a stream, one step per call with the state carried, on two backends: tracing, planning and running. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { lstm, recurrent } from '@ostinato/cells';
import { compile, key, run, type Tensor, zeros } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { send } from '../report.ts';

const [inputs, units, steps] = [6, 20, 8];
const layer = recurrent(lstm({ inputs, units }), { returns: 'last' });
type Params = ReturnType<typeof layer.init>;
type State = ReturnType<typeof layer.unroll>['state'];

async function stream(backend: Backend<never> | Backend): Promise<number[]> {
  const params = await run(backend, layer.init(key(1)));
  const step = compile(backend, (p: Params, x: Tensor, initial: State) =>
    layer.unroll(p, x, { initial }),
  );
  let state: State = await run(backend, { h: zeros([1, units]), c: zeros([1, units]) });
  const all: number[] = [];
  for (let t = 0; t < steps; t++) {
    const data = Float32Array.from({ length: inputs }, (_, i) => Math.sin(t * inputs + i));
    const next = await step(params, { data, shape: [1, 1, inputs] }, state);
    all.push(...((await next.output.read()).data as Float32Array));
    state = next.state;
  }
  return all;
}

await send(async () => {
  const fast = await wasm();
  const [a, b] = [await stream(fast), await stream(cpu())];
  const furthest = Math.max(...a.map((x, k) => Math.abs(x - (b[k] ?? Number.NaN))));
  const facts = { numbers: a.length, furthest, moves: a.some((x) => Math.abs(x) > 0.01) };
  return { facts, notes: fast.info().notes ?? [], passed: 0, failed: [] };
});
