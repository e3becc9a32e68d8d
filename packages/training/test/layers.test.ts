/** Layers and cells as they are train as they are: ids, masks and lengths go in as host arrays. */

import { cpu } from '@ostinato/backend-cpu';
import { gru, lstm, recurrent } from '@ostinato/cells';
import { leaks } from '@ostinato/core';
import { hostKey, uniform } from '@ostinato/core/random';
import { encodeSplits, paddingMask, padSequences, sentimentCorpus } from '@ostinato/datasets';
import { dense, dropout, embedding, sequential } from '@ostinato/layers';
import { expect, test } from 'vitest';
import {
  accuracy,
  adam,
  binaryAccuracy,
  binaryCrossEntropy,
  crossEntropy,
  fit,
  predict,
} from '../src/index.ts';

test('an embedding, an LSTM over masked sentences and a logistic output', async () => {
  const backend = cpu();
  const corpus = sentimentCorpus({ seed: 0, sentences: 200, heldBack: 20 });
  const { train } = encodeSplits(corpus);
  const inputs = padSequences(train.sequences, { maxlen: 25 });
  const mask = paddingMask(inputs.lengths, 25);
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
    weights: paddingMask(lengths, time, 'post'),
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
