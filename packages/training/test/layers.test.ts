/** Layers and cells as they are train as they are: ids, masks and lengths go in as host arrays. */

import { cpu } from '@ostinato/backend-cpu';
import { gru, lstm, recurrent } from '@ostinato/cells';
import { type HostArray, key, leaks, ones, run, type Tensor, zeros } from '@ostinato/core';
import { hostKey, uniform } from '@ostinato/core/random';
import { encodeSplits, paddingMask, padSequences, sentimentCorpus } from '@ostinato/datasets';
import { dense, dropout, embedding, sequential } from '@ostinato/layers';
import { expect, expectTypeOf, test } from 'vitest';
import {
  accuracy,
  adam,
  binaryAccuracy,
  binaryCrossEntropy,
  crossEntropy,
  decodeParams,
  encodeParams,
  fit,
  predict,
  readTree,
  tensorTree,
} from '../src/index.ts';

test('an embedding, an LSTM over masked sentences and a logistic output', async () => {
  const backend = cpu();
  const corpus = sentimentCorpus({ seed: 0, sentences: 200, heldBack: 20 });
  const { train } = encodeSplits(corpus);
  const inputs = padSequences(train.sequences, { maxlen: 25 });
  const mask = paddingMask(inputs);
  const model = sequential([
    embedding({ words: 130, units: 8 }),
    recurrent(lstm({ inputs: 8, units: 8 }), { returns: 'last' }),
    dropout({ rate: 0.2 }),
    dense({ inputs: 8, units: 1 }),
  ]);
  const labels = { data: train.labels, shape: [train.labels.length] };
  const data = { inputs, mask, targets: labels };
  const options = { backend, optimizer: adam({ learningRate: 0.02 }), loss: binaryCrossEntropy };
  const losses: number[] = [];
  for await (const event of fit(model, data, {
    ...options,
    metrics: { accuracy: binaryAccuracy },
    clip: { norm: 1 },
    epochs: 6,
    validationSplit: 0.2,
  })) {
    if (event.type === 'epoch') losses.push(event.loss);
    if (event.type === 'done') {
      const { shape } = await predict(model, event.last.params, { inputs, mask }, { backend });
      expect(shape).toEqual([train.labels.length, 1]);
    }
  }
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 0.02);
  expect(leaks(backend)).toEqual([]);
});

test('a GRU that labels each step of ragged rows', async () => {
  const backend = cpu();
  const [rows, time] = [24, 6];
  const noise = uniform(hostKey(1), rows * time);
  const model = sequential([
    recurrent(gru({ inputs: 1, units: 6, reset: 'after' }), { returns: 'sequence' }),
    dense({ inputs: 6, units: 2 }),
  ]);
  const lengths = Int32Array.from({ length: rows }, (_, i) => 1 + (i % time));
  const data = {
    inputs: { data: noise, shape: [rows, time, 1] },
    lengths: { data: lengths, shape: [rows] },
    targets: { data: Int32Array.from(noise, (x) => (x > 0.5 ? 1 : 0)), shape: [rows, time] },
    weights: paddingMask({ shape: [rows, time], lengths, padding: 'post' }),
  };
  const options = { backend, optimizer: adam({ learningRate: 0.05 }), loss: crossEntropy };
  for await (const event of fit(model, data, {
    ...options,
    metrics: { accuracy },
    epochs: 30,
    batch: 7,
  }))
    if (event.type === 'done') expect(event.history.at(-1)?.metrics.accuracy).toBeGreaterThan(0.85);
  expect(leaks(backend)).toEqual([]);
});

test('parameters from a file have the types of those that were saved', async () => {
  const backend = cpu();
  const model = sequential([
    dropout({ rate: 0.2 }),
    recurrent(lstm({ inputs: 3, units: 2 }), { returns: 'last' }),
    dense({ inputs: 2, units: 1, bias: false }),
  ]);
  const like = model.init(key(0));
  const params = await run(backend, like);
  const x = await run(backend, zeros([2, 5, 3]));
  const host = decodeParams(encodeParams(await readTree(params)), like);
  const again = await run(backend, tensorTree(host));
  expectTypeOf(host[2].kernel).toEqualTypeOf<HostArray>();
  expectTypeOf(again[2].kernel).toEqualTypeOf<Tensor>();
  // @ts-expect-error: a tensor's numbers must be read
  expect(again[2].kernel.data).toBe(undefined);
  const [y, want] = await run(backend, [model.apply(again, x), model.apply(params, x)]);
  expect(await y?.read()).toEqual(await want?.read());
});

test('a tree of tensors has the type of the parameters, lists and absent ones among them', () => {
  interface Params {
    readonly pair: readonly [Tensor, null];
    readonly bias?: Tensor | null;
    layers: { w: Tensor }[];
  }
  const like: Params = { pair: [ones([1]), null], layers: [{ w: ones([2]) }] };
  const apply = ({ pair, layers }: Params) => [pair[0], ...layers.map(({ w }) => w)];
  const data = (n: number) => ({ data: Float32Array.of(1, 2).slice(0, n), shape: [n] });
  const host = { pair: [data(1), null] as const, layers: [{ w: data(2) }] };
  expect(apply(tensorTree<Params>(host)).map(({ size }) => size)).toEqual([1, 2]);
  expect(apply(tensorTree(host)).map(({ size }) => size)).toEqual([1, 2]);
  const read = (file: Uint8Array): Params => tensorTree(decodeParams(file, like));
  expect(() => read(Uint8Array.of())).toThrow();
  // @ts-expect-error: where the caller says what the parameters are, the arrays must be of them
  tensorTree<Params>({ pair: [data(1), null], layers: [{ v: data(2) }] });
});
