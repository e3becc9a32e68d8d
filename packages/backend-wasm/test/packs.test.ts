/** Weights of time loops are packed before the loop, by calls of their own, and stay packed while nobody writes them. */
import {
  add,
  compile,
  type HostInput,
  matmul,
  mean,
  mul,
  scan,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { ModuleBuilder } from '../src/module-builder.ts';
import { buildProgram } from '../src/program.ts';
import { machine, onVariants, programOf } from './forced.ts';
import { host } from './harness.ts';

const [time, batch, units] = [4, 5, 64];

const state = host(1, [batch, units], 0.4);
const inputs = host(2, [time, batch, units], 0.4);
const weights = (seed: number): HostInput => host(seed, [units, units], 0.4);

/** A loop in each time step: one of its products is with weights, the other one with what the step makes of them. */
const refine = (backend: Backend) =>
  compile(backend, (h0: Tensor, xs: Tensor, u: Tensor, v: Tensor) => {
    const step = (h: Tensor, x: Tensor): readonly [Tensor, Tensor] => {
      const ofStep = mul(v, mean(x));
      const closer = (c: Tensor, y: Tensor): readonly [Tensor, null] => [
        tanh(add(add(matmul(c, u), tanh(matmul(c, ofStep))), y)),
        null,
      ];
      const [next] = scan(closer, h, add(zeros([3, batch, units]), x));
      return [next, next];
    };
    return scan(step, h0, xs)[1];
  });

test('a loop in a loop leaves the packing of weights to the program', async () => {
  const program = await programOf((backend) =>
    refine(backend)(state, inputs, weights(3), weights(4)),
  );
  const { calls } = buildProgram(new ModuleBuilder(machine(), []), program);
  const loop = calls.findIndex((c) => /^scan_\d+$/.test(c.function.name));
  const packs = calls.filter((c) => c.function.name.includes('_pack_'));
  expect(packs.map((c) => [c.ifChanged, c.args])).toEqual([
    [program.inputs[2], [{ kind: 'slot', slot: program.inputs[2], plus: 0 }]],
  ]);
  expect(calls[loop - 1]).toBe(packs[0]);
});

onVariants({}, (agrees) => {
  test('weights in a loop in a loop are packed anew when others come, and only theirs', () =>
    agrees(async (backend) => {
      const run = refine(backend);
      const [u, v, other] = [3, 4, 5].map((seed) => tensor(weights(seed)));
      const results: Float32Array[] = [];
      for (const [a, b] of [
        [u, v],
        [u, v],
        [other, v],
        [u, other],
        [u, v],
      ] as [Tensor, Tensor][]) {
        const y = await run(state, inputs, a, b);
        results.push((await y.read()).data as Float32Array);
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[4]).toEqual(results[0]);
      expect(results[2]).not.toEqual(results[0]);
      return results;
      // Products of 64 terms below 0.04, through 12 steps that bring errors closer.
    }, 2e-6));
});
