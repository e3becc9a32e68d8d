/** A state that begins anew in the middle of a sequence: a flag per step and row, chosen from inside the time loop. */
import {
  add,
  compile,
  leavesOf,
  matmul,
  mean,
  mul,
  reshape,
  scan,
  type Tensor,
  tanh,
  valueAndGrad,
  where,
  zeros,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { onVariants, programOf } from './forced.ts';
import { host } from './harness.ts';

const [time, batch, units] = [9, 5, 12];

interface Weights {
  readonly u: Tensor;
  readonly xs: Tensor;
}

/** All states, each from the one before or, where the flag says so, from zero. */
function states({ u, xs }: Weights, flags: Tensor, reverse: boolean): Tensor {
  const step = (h: Tensor, { x, anew }: { x: Tensor; anew: Tensor }) => {
    const from = where(reshape(anew, [batch, 1]), 0, h); // [batch, units]
    const next = tanh(add(matmul(from, u), x));
    return [next, next] as const;
  };
  return scan(step, zeros([batch, units]), { x: xs, anew: flags }, { reverse })[1];
}

const weights = { u: host(1, [units, units], 1), xs: host(2, [time, batch, units], 2) };
const flagsOf = (anew: (k: number) => boolean) => ({
  data: Uint32Array.from({ length: time * batch }, (_, k) => Number(anew(k))),
  shape: [time, batch],
  dtype: 'bool' as const,
});

const run =
  (reverse: boolean, anew: (k: number) => boolean) =>
  async (backend: Backend): Promise<Float32Array[]> => {
    const f = compile(backend, (w: Weights, flags: Tensor) => {
      const loss = (v: Weights): Tensor => {
        const all = states(v, flags, reverse);
        return mean(mul(all, all));
      };
      return [states(w, flags, reverse), valueAndGrad(loss)(w)];
    });
    const out = leavesOf(await f(weights, flagsOf(anew)));
    return Promise.all(out.map(async (t) => (await t.read()).data as Float32Array));
  };

onVariants({}, (agrees) => {
  test.each([
    ['some', (k: number) => k % 7 === 3],
    ['all', () => true],
    ['none', () => false],
  ] as const)('%s steps begin anew, forward and backward', async (_, anew) => {
    for (const reverse of [false, true]) await agrees(run(reverse, anew), 1e-5);
  });
});

test('nothing is copied for it: the loop reads the flags where they are', async () => {
  const { code } = await programOf(async (backend) => {
    const f = compile(backend, (w: Weights, flags: Tensor) => states(w, flags, false));
    await f(
      weights,
      flagsOf(() => false),
    );
  });
  // Before it, a loop that reads nothing writes the state of the start.
  expect(code.map((i) => [i.kind, i.kind === 'loop' && i.args.length])).toEqual([
    ['loop', 0],
    ['scan', false],
  ]);
});
