import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { webgpu } from '@ostinato/backend-webgpu';
import { lstm, recurrent } from '@ostinato/cells';
import {
  add,
  compile,
  type Feed,
  grad,
  type HostArray,
  type Key,
  key,
  leavesOf,
  mean,
  mul,
  OstinatoError,
  ones,
  relu,
  run,
  sigmoid,
  sum,
  type Tensor,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import { type Backend, reference } from '@ostinato/core/backend';
import { assertClose, type GoldenTensor, loadFunctionGoldens } from '@ostinato/golden';
import { gpuComputes } from '@ostinato/software-gpu/vitest';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { dense, dropout, embedding, type Layer, layerNorm, sequential } from '../src/index.ts';

/** How webgpu runs loops over time: none where there is no GPU. */
const schedules = (await gpuComputes()) ? (['stepwise', 'persistent'] as const) : [];
const gpus = schedules.map(async (schedule) => {
  const gpu = await webgpu({ allowSoftware: true, schedule });
  return [`webgpu ${schedule}`, gpu as unknown as Backend<never>] as const;
});

/** Every test of numbers runs on each of these. */
const backends: readonly (readonly [string, Backend<never>])[] = [
  ['reference', reference() as Backend<never>],
  ['cpu', cpu() as unknown as Backend<never>],
  ['wasm', (await wasm({ threads: 1 })) as unknown as Backend<never>],
  ...(await Promise.all(gpus)),
];

async function evaluate<A extends readonly unknown[]>(
  backend: Backend<never>,
  f: (...args: A) => unknown,
  ...args: { readonly [K in keyof A]: Feed<A[K]> }
): Promise<HostArray[]> {
  const out = leavesOf(await compile(backend, f)(...args));
  return Promise.all(out.map((t) => t.read()));
}

const host = (values: readonly number[], shape: readonly number[]) => ({
  data: Float32Array.from(values),
  shape,
});
const ids = (values: readonly number[], shape: readonly number[]) => ({
  data: Int32Array.from(values),
  shape,
});

describe.each(backends)('on %s', (_, backend) => {
  test('dense is f(x W + b) on the last axis of any shape', async () => {
    const layer = dense({ inputs: 2, units: 3, activation: relu });
    const params = { kernel: host([1, 2, 3, -4, 5, -6], [2, 3]), bias: host([0.5, -20, 0], [3]) };
    const f = (p: ReturnType<typeof layer.init>, x: Tensor): Tensor => layer.apply(p, x);
    const [y] = await evaluate(backend, f, params, host([1, 1, 2, 0, 0, 3, 1, -1], [2, 2, 2]));
    expect(y?.shape).toEqual([2, 2, 3]);
    expect([...(y?.data ?? [])]).toEqual([0, 0, 0, 2.5, 0, 6, 0, 0, 0, 5.5, 0, 9]);
    expect(dense({ inputs: 2, units: 3, bias: false }).init(key(0)).bias).toBeNull();
  });

  test.each(loadFunctionGoldens('layer_norm'))('layerNorm: PyTorch $name', async (golden) => {
    const { config, inputs, cotangents, outputs, grads } = golden;
    const layer = layerNorm({ units: config.normalized_shape[0] as number, epsilon: config.eps });
    type Given = { gain: Tensor; bias: Tensor; x: Tensor };
    const loss = (q: Given, c: Tensor): Tensor => sum(mul(layer.apply(q, q.x), c));
    const f = (q: Given, c: Tensor) => [layer.apply(q, q.x), grad(loss)(q, c)];
    const given = { gain: inputs.weight, bias: inputs.bias, x: inputs.x };
    const [y, bias, gain, x] = (await evaluate(backend, f, given, cotangents.y)) as HostArray[];
    assertClose(y as HostArray, outputs.y, 'y');
    assertClose(gain as HostArray, grads.weight, 'd gain');
    assertClose(bias as HostArray, grads.bias, 'd bias');
    assertClose(x as HostArray, grads.x, 'd x');
  });

  test('layerNorm has the epsilon of PyTorch unless stated', async () => {
    const layer = layerNorm({ units: 3 });
    const small = host([0.001, 0.002, 0.004], [1, 3]); // its variance is less than epsilon
    const [y] = await evaluate(backend, (x: Tensor) => [layer.apply(layer.init(key(0)), x)], small);
    // PyTorch 2.13, float64.
    [-0.3922322702763681, -0.09805806756909206, 0.49029033784546006].forEach((want, k) => {
      expect(y?.data[k]).toBeCloseTo(want, 5);
    });
  });

  test.each(loadFunctionGoldens('embedding'))('embedding: PyTorch $name', async (golden) => {
    const { config, inputs, cotangents, outputs, grads } = golden;
    const [words, units] = inputs.weight.shape as [number, number];
    const layer = embedding({ words, units });
    const index = ids(config.indices, config.indices_shape);
    expect(new Set(config.indices).size).toBeLessThan(config.indices.length);
    const loss = (table: Tensor, at: Tensor, c: Tensor): Tensor =>
      sum(mul(layer.apply({ table }, at), c));
    const f = (table: Tensor, at: Tensor, c: Tensor) => [
      layer.apply({ table }, at),
      grad(loss)(table, at, c),
    ];
    const [y, d] = await evaluate(backend, f, inputs.weight, index, cotangents.y as GoldenTensor);
    assertClose(y as HostArray, outputs.y, 'y');
    assertClose(d as HostArray, grads.weight, 'd table');
  });

  test('embedding: the gradients of a word that occurs often add up', async () => {
    const layer = embedding({ words: 3, units: 2 });
    const loss = (table: Tensor, at: Tensor): Tensor => sum(layer.apply({ table }, at));
    const index = ids([1, 1, 1, 0, 1, 1], [2, 3]);
    const [d] = await evaluate(backend, grad(loss), host(Array(6).fill(0), [3, 2]), index);
    expect([...(d?.data ?? [])]).toEqual([1, 1, 5, 5, 0, 0]);
  });

  test('embedding starts uniform in +-0.05, dense within Glorot’s limit', async () => {
    const [table, kernel] = (await evaluate(
      backend,
      (k: Key) => [
        embedding({ words: 100, units: 10 }).init(k).table,
        dense({ inputs: 30, units: 20 }).init(k).kernel,
      ],
      key(4),
    )) as [HostArray, HostArray];
    const range = ({ data }: HostArray) => [Math.min(...data), Math.max(...data)];
    expect(range(table)[0]).toBeGreaterThanOrEqual(-0.05);
    expect(range(table)[1]).toBeLessThan(0.05);
    expect(range(table)[1]).toBeGreaterThan(0.049);
    const limit = Math.sqrt(6 / 50);
    expect(range(kernel)[0]).toBeGreaterThanOrEqual(-limit);
    expect(range(kernel)[1]).toBeLessThan(limit);
  });

  test('dropout zeroes its rate of the elements, scales the rest, and is the identity otherwise', async () => {
    const layer = dropout({ rate: 0.25 });
    const f = (k: Key, training: boolean) =>
      layer.apply(null, ones([100, 100]), { key: k, training });
    const [y] = (await evaluate(backend, (k: Key) => f(k, true), key(2))) as [HostArray];
    const zeroed = [...y.data].filter((v) => v === 0).length / 10_000;
    expect(Math.abs(zeroed - 0.25)).toBeLessThan(0.02);
    expect(new Set(y.data)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const [again] = await evaluate(backend, (k: Key) => f(k, true), key(2));
    expect(again?.data).toEqual(y.data);
    const [other] = await evaluate(backend, (k: Key) => f(k, true), key(3));
    expect(other?.data).not.toEqual(y.data);
    const x = ones([2]);
    expect(layer.apply(null, x)).toBe(x);
    expect(layer.apply(null, x, { training: false, key: key(1) })).toBe(x);
  });

  test('sequential splits the key: two dropouts draw different zeros', async () => {
    const model = sequential([dropout({ rate: 0.5 }), dropout({ rate: 0.5 })]);
    const [y] = (await evaluate(
      backend,
      (k: Key) => model.apply([null, null], ones([40, 40]), { key: k, training: true }),
      key(2),
    )) as [HostArray];
    const kept = [...y.data].filter((v) => v !== 0);
    expect(new Set(kept)).toEqual(new Set([4]));
    expect(Math.abs(kept.length / 1600 - 0.25)).toBeLessThan(0.04);
  });

  test('a classifier of ragged rows learns, and padding does not count', async () => {
    const model = sequential([
      embedding({ words: 10, units: 6 }),
      recurrent(lstm({ inputs: 6, units: 8 }), { returns: 'last' }),
      dropout({ rate: 0.1 }),
      dense({ inputs: 8, units: 1, activation: sigmoid }),
    ]);
    type P = ReturnType<typeof model.init>;
    const lossOf = (p: P, x: Tensor, y: Tensor, lengths: Tensor, k: Key): Tensor => {
      const d = add(model.apply(p, x, { lengths, key: k, training: true }), mul(y, -1));
      return mean(mul(d, d));
    };
    const step = compile(backend, (p: P, x: Tensor, y: Tensor, n: Tensor, k: Key) => {
      const [loss, g] = valueAndGrad(lossOf)(p, x, y, n, k);
      return [loss, ...leavesOf(p).map((t, i) => add(t, mul(leavesOf(g)[i] as Tensor, -1)))];
    });
    const predict = compile(backend, (p: P, x: Tensor, lengths: Tensor) =>
      model.apply(p, x, { lengths }),
    );
    let params = await run(backend, model.init(key(1)));
    const lengths = ids([4, 2, 3, 1], [4]);
    const x = ids([1, 2, 3, 4, 5, 6, 0, 0, 1, 3, 2, 0, 7, 0, 0, 0], [4, 4]);
    const y = host([1, 0, 1, 0], [4, 1]);
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) {
      const [loss, ...next] = (await step(params, x, y, lengths, key(i))) as Tensor[];
      losses.push(await (loss as Tensor).item());
      const places = leavesOf(params);
      params = replace(params, new Map(places.map((t, k) => [t, next[k] as Tensor])));
    }
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 3);
    const padded = ids([1, 2, 3, 4, 5, 6, 9, 9, 1, 3, 2, 8, 7, 8, 8, 8], [4, 4]);
    const [a, b] = [await predict(params, x, lengths), await predict(params, padded, lengths)];
    expect((await b.read()).data).toEqual((await a.read()).data);
  });
});

/** A tree with other leaves. */
function replace<T>(tree: T, by: ReadonlyMap<unknown, Tensor>): T {
  if (by.has(tree)) return by.get(tree) as T;
  if (Array.isArray(tree)) return tree.map((t) => replace(t, by)) as T;
  if (typeof tree !== 'object' || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, replace(v, by)])) as T;
}

test('types flow through a row', () => {
  const model = sequential([
    embedding({ words: 5, units: 2 }),
    dropout({ rate: 0.5 }),
    dense({ inputs: 2, units: 1 }),
  ]);
  expectTypeOf(model.apply).returns.toEqualTypeOf<Tensor>();
  type Params = ReturnType<typeof model.init>;
  expectTypeOf<Params[0]['table']>().toEqualTypeOf<Tensor>();
  expectTypeOf<Params[1]>().toEqualTypeOf<null>();
  const pairs: Layer<null, Tensor, { readonly left: Tensor }> = {
    init: () => null,
    apply: (_, x) => ({ left: x }),
  };
  // @ts-expect-error: dense takes a tensor, not a record
  sequential([pairs, dense({ inputs: 2, units: 1 })]);
  const deep = sequential([
    ...Array.from({ length: 3 }, () => dense({ inputs: 2, units: 2 })),
    pairs,
  ]);
  const { left } = deep.apply(deep.init(key(0)), zeros([4, 2]));
  expect(left.shape).toEqual([4, 2]);
});

/** The message of the error that `f` throws. */
function errorOf(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof OstinatoError) return e.message;
    throw e;
  }
  return 'no error';
}

test('errors say what, got and do', () => {
  expect(errorOf(() => dense({ inputs: 0, units: 1 }))).toMatchInlineSnapshot(
    `"dense: inputs is 0. Give a whole number from 1 up. [option-invalid]"`,
  );
  expect(
    errorOf(() => dense({ inputs: 1, units: 1, bias: 'none' as never })),
  ).toMatchInlineSnapshot(`"dense: bias is "none". Give true or false. [option-invalid]"`);
  expect(errorOf(() => embedding({ words: 1.5, units: 1 }))).toMatchInlineSnapshot(
    `"embedding: words is 1.5. Give a whole number from 1 up. [option-invalid]"`,
  );
  expect(errorOf(() => dropout({ rate: 1 }))).toMatchInlineSnapshot(
    `"dropout: rate is 1. Give a number from 0 up to but without 1. [option-invalid]"`,
  );
  expect(errorOf(() => layerNorm({ units: 2, epsilon: 0 }))).toMatchInlineSnapshot(
    `"layerNorm: epsilon is 0. Give a small number above 0. [option-invalid]"`,
  );
  expect(errorOf(() => layerNorm({ units: 2, epsilon: Infinity }))).toMatch('epsilon is Infinity');
  const model = sequential([dropout({ rate: 0.5 }), dense({ inputs: 3, units: 1 })]);
  const params = model.init(key(0));
  expect(errorOf(() => model.apply(params, zeros([2, 4])))).toMatchInlineSnapshot(
    `"dense: the input is float32[2,4], but the layer was made for 3 inputs. Give [..., 3], or make the layer with inputs: 4. (in 1-dense) [shape-mismatch]"`,
  );
  expect(
    errorOf(() => model.apply(params, zeros([2, 3]), { training: true })),
  ).toMatchInlineSnapshot(
    `"dropout: draws random zeros in training, but how.key is missing. Give apply a fresh key for each step of training. (in 0-dropout) [key-invalid]"`,
  );
  expect(
    errorOf(() => layerNorm({ units: 2 }).apply({ gain: ones([2]), bias: ones([2]) }, ones([3]))),
  ).toMatchInlineSnapshot(
    `"layerNorm: the input is float32[3], but the layer was made for 2 units. Give [..., 2]. [shape-mismatch]"`,
  );
  expect(
    errorOf(() => embedding({ words: 3, units: 2 }).apply({ table: ones([3, 2]) }, ones([1]))),
  ).toMatchInlineSnapshot(
    `"gather: the index is float32[1] "broadcast". Give int32 or uint32 row numbers. [dtype-mismatch]"`,
  );
});

test.each<[string, () => unknown, string]>([
  ['dense', () => dense({ inputs: 1, units: 1, useBias: false } as never), 'inputs, units, activ'],
  ['dropout', () => dropout({ rate: 0.5, seed: 1 } as never), 'rate'],
  [
    'dropout',
    () => dropout({ rate: 0.5 }).apply(null, ones([2]), { train: true } as never),
    'key,',
  ],
  ['embedding', () => embedding({ words: 1, units: 1, pad: 0 } as never), 'words, units'],
  ['layerNorm', () => layerNorm({ units: 2, eps: 1e-3 } as never), 'units, epsilon'],
])('%s refuses an option that it does not have', (name, misspelt, options) => {
  expect(errorOf(misspelt)).toMatch(
    new RegExp(`^${name}: there is no option "\\w+"\\. Options are ${options}.*option-invalid`),
  );
});

test('no options at all are no raw error, undefined ones are left out, text is no number', () => {
  expect(errorOf(() => dropout(0.5 as never))).toMatchInlineSnapshot(
    `"dropout: options are 0.5. Give a record of rate. [option-invalid]"`,
  );
  for (const make of [dense, embedding, layerNorm])
    expect(errorOf(() => make(undefined as never))).toMatch('options are undefined. Give a record');
  const unset = { activation: undefined, bias: undefined };
  expect(dense({ inputs: 1, units: 2, ...unset }).init(key(0)).bias?.shape).toEqual([2]);
  expect(layerNorm({ units: 2, epsilon: undefined }).label).toBe('layerNorm');
  expect(errorOf(() => dropout({ rate: '0.5' as never }))).toMatch('rate is "0.5". Give a number');
  expect(errorOf(() => layerNorm({ units: 2, epsilon: '1' as never }))).toMatch('epsilon is "1".');
  expect(errorOf(() => dense({ inputs: '1' as never, units: 1 }))).toMatch('inputs is "1". Give');
});

test('parameters of another shape are refused, also those that would broadcast', () => {
  const layer = dense({ inputs: 3, units: 2 });
  const own = layer.init(key(0));
  const withKernel =
    (...shape: number[]) =>
    () =>
      layer.apply({ ...own, kernel: ones(shape) }, ones([4, 3]));
  expect(errorOf(withKernel(3, 1))).toMatchInlineSnapshot(
    `"dense: kernel is float32[3,1], but the layer was made for [3,2]. Give its own parameters. [shape-mismatch]"`,
  );
  for (const shape of [[3], [4, 3, 2]])
    expect(errorOf(withKernel(...shape))).toMatch(`kernel is float32[${shape}]`);
  const withBias = (bias: Tensor | null) => () => layer.apply({ ...own, bias }, ones([4, 3]));
  for (const shape of [[1], [], [4, 2]])
    expect(errorOf(withBias(ones(shape)))).toMatch(`bias is float32[${shape}]`);
  expect(errorOf(withBias(null))).toMatchInlineSnapshot(
    `"dense: bias is null, but the layer was made for [2]. Give its own parameters. [shape-mismatch]"`,
  );
  expect(errorOf(withBias(undefined as never))).toMatch('bias is undefined');
  expect(
    errorOf(() => dense({ inputs: 3, units: 2, bias: false }).apply(own, ones([4, 3]))),
  ).toMatchInlineSnapshot(
    `"dense: bias is float32[2], but the layer was made for none. Give its own parameters. [shape-mismatch]"`,
  );

  const normal = layerNorm({ units: 3 });
  for (const shape of [[1], [], [4, 3], [4, 1]]) {
    const [gain, bias] = [ones(shape), ones([3])];
    expect(errorOf(() => normal.apply({ gain, bias }, ones([4, 3])))).toMatch('gain is');
    expect(errorOf(() => normal.apply({ gain: bias, bias: gain }, ones([4, 3])))).toMatch(
      'bias is',
    );
  }
  const { table } = embedding({ words: 5, units: 2 }).init(key(0));
  expect(
    errorOf(() => embedding({ words: 3, units: 2 }).apply({ table }, zeros([1, 1], 'int32'))),
  ).toMatchInlineSnapshot(
    `"embedding: table is float32[5,2], but the layer was made for [3,2]. Give its own parameters. [shape-mismatch]"`,
  );
});
