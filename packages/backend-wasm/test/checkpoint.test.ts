/** What a training step takes beyond its inputs and outputs, as wasm allocates it. */
import {
  add,
  compile,
  matmul,
  mean,
  mul,
  scan,
  type Tensor,
  tanh,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import type { Backend, Program } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { compileProgram } from '../src/executable.ts';
import { wasm } from '../src/index.ts';
import { Heap } from '../src/memory.ts';

const [BATCH, UNITS] = [2, 8];

/** Bytes that a program reserves: scratch, carries, packed weights. Its inputs and outputs are the caller's. */
async function reservedBy(program: Program): Promise<number> {
  const heap = new Heap();
  const alloc = heap.alloc.bind(heap);
  let bytes = 0;
  heap.alloc = (size, label) => {
    bytes += size;
    return alloc(size, label);
  };
  const machine = {
    heap,
    target: { relaxed: true, paired: false },
    threads: { count: 1, partsOf: () => undefined, worth: () => false },
    compileModule: async (code: BufferSource) => new WebAssembly.Module(code),
    team: async () => undefined,
  };
  (await compileProgram(machine, program)).dispose();
  return bytes;
}

/** Of a training step over so many time steps, with all gradients; it is run, too. */
async function reserved(time: number, checkpoint: boolean): Promise<number> {
  const real = (await wasm({ threads: 1 })) as unknown as Backend;
  let bytes = 0;
  const backend: Backend = {
    ...real,
    async compile(program) {
      bytes = await reservedBy(program);
      return real.compile(program);
    },
  };
  const loss = ([w, u]: readonly [Tensor, Tensor], x: Tensor): Tensor => {
    const step = (h: Tensor, xt: Tensor): readonly [Tensor, null] => [
      tanh(add(matmul(xt, w), matmul(h, u))),
      null,
    ];
    const options = checkpoint ? { checkpoint: true as const } : {};
    const [h] = scan(step, zeros([BATCH, UNITS]), x, options);
    return mean(mul(h, h));
  };
  const train = compile(backend, (p: readonly [Tensor, Tensor], x: Tensor) =>
    valueAndGrad((q: readonly [Tensor, Tensor]) => loss(q, x))(p),
  );
  const host = (...shape: number[]) => ({
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1),
    shape,
  });
  const weights = [host(UNITS, UNITS), host(UNITS, UNITS)] as const;
  const [value] = await train(weights as never, host(time, BATCH, UNITS) as never);
  expect(Number.isFinite(Number(await value.item()))).toBe(true);
  real.dispose();
  return bytes;
}

test('with checkpoints, memory grows as the square root of the length', async () => {
  const lengths = [256, 1024, 4096];
  const stacked = await Promise.all(lengths.map((time) => reserved(time, false)));
  const segmented = await Promise.all(lengths.map((time) => reserved(time, true)));
  const growth = (bytes: readonly number[]): number[] =>
    bytes.slice(1).map((n, k) => n / (bytes[k] as number));
  // Four times the length.
  for (const g of growth(stacked)) expect(g).toBeGreaterThan(3.5);
  for (const g of growth(segmented)) expect(g).toBeLessThan(2.1);
});
