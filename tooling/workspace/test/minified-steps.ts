/** What minified.test.ts bundles: three training steps of an LSTM on two backends, then its stream. Prints the numbers. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { lstm, recurrent } from '@ostinato/cells';
import {
  compile,
  key,
  mapTree,
  mean,
  mul,
  normal,
  run,
  square,
  sub,
  type Tensor,
  valueAndGrad,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';

const layer = recurrent(lstm({ inputs: 5, units: 8 }), { returns: 'both' });
type Params = ReturnType<typeof layer.init>;

async function numbers(backend: Backend): Promise<number[]> {
  const [x, y] = await run(backend, [
    normal(key(1), [4, 20, 5]),
    normal(key(2), [4, 20, 8]),
  ] as const);
  let params = await run(backend, layer.init(key(3)));
  const step = compile(
    backend,
    (p: Params, x: Tensor, y: Tensor) => {
      const loss = (p: Params) => mean(square(sub(layer.apply(p, x).sequence, y)));
      const [value, gradient] = valueAndGrad(loss)(p);
      const params = mapTree((t, g) => sub(t, mul(0.5, g as Tensor)), p, gradient);
      return { loss: value, params };
    },
    { donate: [0] },
  );
  const losses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const after = await step(params, x, y);
    params = after.params;
    losses.push(await after.loss.item());
  }
  const stream = compile(backend, (p: Params, x: Tensor) => layer.apply(p, x).last);
  const last = await (
    await stream(params, { data: new Float32Array(5).fill(0.5), shape: [1, 1, 5] })
  ).read();
  backend.dispose();
  return [...losses, ...last.data];
}

console.log(JSON.stringify([await numbers(await wasm({ threads: 1 })), await numbers(cpu())]));
