/**
 * What a streaming step costs inside and outside, one LSTM of 64 inputs and 128 units, in microseconds: the compiled program
 * alone, on the same buffers, and the whole call with its input from the host and its output read into one array. The
 * smallest of many timings counts, because the machine may be shared. Run in Node: node packages/backend-wasm/bench/step.ts
 */
import {
  add,
  broadcastTo,
  compile,
  dispose,
  matmul,
  mul,
  run,
  sigmoid,
  split,
  type Tensor,
  tanh,
  tensor,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { wasm } from '../src/index.ts';

const [inputs, units] = [64, 128];

interface Params {
  readonly kernel: Tensor;
  readonly recurrent: Tensor;
  readonly bias: Tensor;
}

interface State {
  readonly h: Tensor;
  readonly c: Tensor;
}

function step({ kernel, recurrent, bias }: Params, { h, c }: State, x: Tensor): State {
  const z = add(matmul(x, kernel), matmul(h, recurrent)); // [1, 4 * units]
  const gates = split(add(z, broadcastTo(bias, z.shape)), 4);
  const [i, f, g, o] = gates as [Tensor, Tensor, Tensor, Tensor];
  const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
  return { h: mul(sigmoid(o), tanh(next)), c: next };
}

const filled = (...shape: number[]): Tensor =>
  tensor({
    data: Float32Array.from({ length: shape.reduce((n, s) => n * s) }, (_, k) => Math.sin(k) / 9),
    shape,
  });

/** Microseconds of one turn, the best of many hundreds of turns. */
async function microseconds(turn: () => unknown, wait: boolean): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 60; round++) {
    const from = performance.now();
    for (let k = 0; k < 2000; k++)
      if (wait) await turn();
      else turn();
    best = Math.min(best, (performance.now() - from) / 2000);
  }
  return 1000 * best;
}

for (const pairedSimd of [true, false]) {
  const opened = (await wasm({ threads: 1, pairedSimd })) as Backend;
  let inside = (): void => undefined;
  const backend: Backend = {
    ...opened,
    async compile(program) {
      const made = await opened.compile(program);
      return {
        ...made,
        run(from, to) {
          inside = () => made.run(from, to);
          made.run(from, to);
        },
      };
    },
  };
  const advance = compile(backend, step, { donate: [1] });
  const params = await run(backend, {
    kernel: filled(inputs, 4 * units),
    recurrent: filled(units, 4 * units),
    bias: filled(4 * units),
  });
  let state: State = await run(backend, { h: filled(1, units), c: filled(1, units) });
  const x = { data: new Float32Array(inputs), shape: [1, inputs] };
  const into = new Float32Array(units);
  const whole = await microseconds(async () => {
    state = await advance(params, state, x);
    await state.h.read({ into });
  }, true);
  const alone = await microseconds(() => inside(), false);
  console.log(
    `${opened.info().variant}: ${alone.toFixed(1)} us inside, ${whole.toFixed(1)} us in all`,
  );
  dispose([params, state]);
  advance.dispose();
  opened.dispose();
}
