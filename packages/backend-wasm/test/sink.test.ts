import {
  add,
  compile,
  flip,
  matmul,
  mean,
  mul,
  scan,
  slice,
  type Tensor,
  tanh,
  transpose,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import { type Backend, type Program, reference, verify } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.ts';
import { sink } from '../src/passes/sink.ts';
import { tight } from './forced.ts';
import { bits, host } from './harness.ts';
import { trainingStep } from './training.ts';

/** The backend with every program sunk as far as it goes, and how many products that moved. */
function sinking(backend: Backend): Backend & { moved: number } {
  const products = (p: Program): number => p.code.filter((i) => i.kind === 'contract').length;
  const out = {
    ...backend,
    moved: 0,
    compile(program: Program) {
      const sunk = sink(program, tight.sinks);
      verify(sunk);
      out.moved += products(program) - products(sunk);
      return backend.compile(sunk);
    },
  };
  return out;
}

const open: (() => Promise<Backend>)[] = [
  async () => reference() as unknown as Backend,
  async () => (await wasm({ threads: 1 })) as unknown as Backend,
  async () => (await wasm({ threads: 2, threadsFrom: 0 })) as unknown as Backend,
];

const sizes = { words: 20, steps: 5, batch: 9, units: 8 };

test.each(open)('a training step keeps its bits (%#)', async (backendOf) => {
  const backend = await backendOf();
  const other = sinking(backend);
  const want = bits(await trainingStep(backend, sizes));
  expect(bits(await trainingStep(other, sizes))).toEqual(want);
  expect(other.moved).toBeGreaterThan(0);
  backend.dispose();
});

/** Two layers over [batch, time, units], the second one backwards in time. */
function twoLayers(x: Tensor, w: readonly Tensor[]): Tensor {
  const [w0, u0, w1, u1] = w as readonly [Tensor, Tensor, Tensor, Tensor];
  const layer = (xs: Tensor, a: Tensor, u: Tensor, reverse: boolean): Tensor => {
    const step = (h: Tensor, xt: Tensor): readonly [Tensor, Tensor] => {
      const next = tanh(add(matmul(xt, a), matmul(h, u)));
      return [next, next];
    };
    const start = zeros([xs.shape[1] as number, u.shape[0] as number]);
    return scan(step, start, xs, { reverse })[1];
  };
  const first = layer(transpose(x, [1, 0, 2]), w0, u0, false);
  return layer(flip(first, 2), w1, u1, true);
}

test.each(open)('layers on one another keep their bits (%#)', async (backendOf) => {
  const backend = await backendOf();
  const other = sinking(backend);
  const loss = (w: readonly Tensor[], x: Tensor): Tensor => {
    const y = twoLayers(x, w);
    return mean(mul(y, y));
  };
  const args = [[1, 2, 3, 4].map((k) => host(k, [8, 8], 1)), host(5, [9, 6, 8], 1)] as const;
  const results = [];
  for (const b of [backend, other]) {
    const step = compile(b, (w: readonly Tensor[], x: Tensor) =>
      valueAndGrad((v: readonly Tensor[]) => loss(v, x))(w),
    );
    const [value, gradients] = await step(args[0] as never, args[1] as never);
    const read = await Promise.all([value, ...gradients].map(async (t) => (await t.read()).data));
    results.push(bits(read as Float32Array[]));
  }
  expect(results[1]).toEqual(results[0]);
  expect(other.moved).toBeGreaterThan(1);
  backend.dispose();
});

/** What a loop reads of each step of a product, whose rest lies behind it. */
const parts: Record<string, (product: Tensor) => Tensor> = {
  'the first columns': (p) => slice(p, 2, 0, 4),
  'the last columns': (p) => slice(p, 2, 12, 4),
  'the first rows': (p) => slice(slice(p, 1, 0, 9), 2, 0, 4),
  'columns of a product with the batch first': (p) =>
    slice(transpose(transpose(p, [1, 0, 2]), [1, 0, 2]), 2, 0, 4),
};

test.each(
  Object.entries(parts).flatMap(([name, part]) => open.map((b) => [name, b, part] as const)),
)(
  'a loop that reads %s keeps its bits, and writes nothing beside them (%#)',
  async (name, backendOf, part) => {
    const backend = await backendOf();
    const other = sinking(backend);
    const args = [host(1, [9, 4], 1), host(2, [5, 11, 8], 1), host(3, [8, 16], 1)] as const;
    const results = [];
    for (const b of [backend, other]) {
      const loop = compile(b, (h: Tensor, x: Tensor, w: Tensor) => {
        const step = (c: Tensor, p: Tensor): readonly [Tensor, Tensor] => {
          const next = tanh(add(c, slice(p, 0, 0, 9)));
          return [next, next];
        };
        return scan(step, h, part(matmul(tanh(x), w)));
      });
      const [last, all] = await loop(...args);
      const read = await Promise.all([last, all].map(async (t) => (await t.read()).data));
      results.push(bits(read as Float32Array[]));
    }
    expect(results[1]).toEqual(results[0]);
    // Neither what lies before the window nor rows of another number.
    expect(other.moved).toBe(name.endsWith('last columns') || name.endsWith('rows') ? 0 : 1);
    backend.dispose();
  },
);

test('what somebody else reads stays a stack', async () => {
  const backend = sinking(reference() as unknown as Backend);
  const both = compile(backend, (x: Tensor, w: Tensor, u: Tensor) => {
    const projected = matmul(x, w);
    const step = (h: Tensor, p: Tensor): readonly [Tensor, null] => [
      tanh(add(p, matmul(h, u))),
      null,
    ];
    return [scan(step, zeros([3, 4]), projected)[0], projected];
  });
  await both(host(1, [5, 3, 4], 1), host(2, [4, 4], 1), host(3, [4, 4], 1));
  expect(backend.moved).toBe(0);
});
