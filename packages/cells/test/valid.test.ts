/**
 * What each cell becomes on WebGPU is accepted by WebGPU, forward and backward, at sizes small and large: Dawn judges, within
 * the smallest limits of any GPU, and computes nothing. No driver is needed.
 */
import { webgpu } from '@ostinato/backend-webgpu';
import {
  add,
  grad,
  key,
  leavesOf,
  mapTree,
  square,
  sum,
  type Tensor,
  tensor,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { nullGpu } from '@ostinato/software-gpu/vitest';
import { describe, expect, test } from 'vitest';
import {
  bidirectional,
  elman,
  exposed,
  gru,
  lstm,
  type Recurrent,
  recurrent,
  stack,
} from '../src/index.ts';
import { invented } from './invented.ts';
import { evaluate, type Host, int32 } from './support.ts';

type AnyLayer = Recurrent<unknown, unknown>;
interface Sizes {
  readonly inputs: number;
  readonly units: number;
}

const both = { returns: 'both' } as const;
const layers: Record<string, (sizes: Sizes) => unknown> = {
  elman: (s) => recurrent(elman(s), both),
  'lstm in reverse': (s) => recurrent(lstm(s), { ...both, reverse: true }),
  'lstm with its gates': (s) => recurrent(exposed(lstm(s)), both),
  'gru after': (s) => recurrent(gru({ ...s, reset: 'after' }), both),
  'gru before': (s) => recurrent(gru({ ...s, reset: 'before', update: 'write' }), both),
  'a cell of one’s own': (s) => recurrent(invented({ ...s, outputs: 2 }), both),
  'a bidirectional stack': ({ inputs, units }) =>
    stack([
      bidirectional(lstm({ inputs, units }), { merge: 'concat', returns: 'sequence' }),
      recurrent(gru({ inputs: 2 * units, units, reset: 'after' }), both),
    ]),
};

const noughts = (shape: readonly number[]): Host => ({
  data: new Float32Array(shape.reduce((n, m) => n * m, 1)),
  shape,
});

// [rows, steps, inputs, units]: less than a workgroup's threads and memory, more, and more than one row fits.
const sizes = [
  [1, 1, 1, 1],
  [5, 4, 3, 6],
  [33, 3, 20, 64],
  [2, 2, 4, 800],
] as const;

describe.each(['stepwise', 'persistent'] as const)('valid, %s', (schedule) => {
  test.each(Object.entries(layers))('%s', async (_, make) => {
    const { gpu, kernels } = nullGpu();
    const backend = (await webgpu({ gpu, schedule })) as unknown as Backend<never>;
    for (const [rows, steps, inputs, units] of sizes) {
      const layer = make({ inputs, units }) as AnyLayer;
      const params = mapTree((t: Tensor) => noughts(t.shape), layer.init(key(0)));
      const x = noughts([rows, steps, inputs]);
      const full = int32(new Array(rows).fill(steps), [rows]);
      const all = (lengths: Tensor | null, checkpoint?: number) => (p: unknown, xs: Tensor) => {
        const how = { ...(lengths && { lengths }), ...(checkpoint && { checkpoint }) };
        const lossOf = (q: unknown): Tensor => {
          const parts = leavesOf(layer.apply(q, xs, how)).map((t) => sum(square(t)));
          return parts.reduce((a, b) => add(a, b));
        };
        return [layer.apply(p, xs, how), grad(lossOf)(p as never)];
      };
      // Reading rejects for whatever was refused.
      for (const f of [all(null), all(tensor(full)), all(tensor(full), 2)])
        for (const { data } of await evaluate(backend, f, params as never, x))
          expect(data.length).toBeGreaterThan(0);
    }
    expect(kernels.length).toBeGreaterThan(10);
    backend.dispose();
  });
});
