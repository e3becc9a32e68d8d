/** The step by itself: online learning on a stream, with its state saved and brought back. */
import { compile, dispose, type Feed, key, leaks, run } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import {
  adam,
  type Batch,
  decodeParams,
  encodeParams,
  readTree,
  type TrainingState,
  tensorTree,
  trainingState,
  trainingStep,
} from '../src/index.ts';
import { backends } from './backends.ts';
import { loss, type Mlp, mlp, numbersOf, points } from './models.ts';

const options = { loss, optimizer: adam(), clip: { norm: 1 } };
const fresh = (): TrainingState<Mlp> => trainingState(mlp.init(key(3)), options);

/** Item n of a stream. */
const itemOf = (n: number): Feed<Batch> => {
  const { inputs, targets } = points(4, n) as unknown as Feed<Batch>;
  const weights = { data: Float32Array.of(1, 1, 1, 1), shape: [4] };
  return { inputs, targets, weights } as Feed<Batch>;
};

/** Learns items `from` to `to`, from a saved state or from the start; gives the state as a file. */
async function learn(
  backend: Backend,
  from: number,
  to: number,
  file?: Uint8Array,
): Promise<Uint8Array> {
  const start = file ? tensorTree(decodeParams(file, fresh())) : fresh();
  const step = compile(
    backend,
    trainingStep(mlp, { ...options, key: key(4), batchesPerEpoch: 1000 }),
    { donate: [0] },
  );
  let state = await run(backend, start);
  for (let n = from; n < to; n++) {
    const [next, report] = await step(state as never, itemOf(n));
    state = next;
    dispose(report);
  }
  const saved = encodeParams(await readTree(state));
  dispose(state);
  step.dispose();
  return saved;
}

test('means over no batches, or over a part of one, are refused', () => {
  for (const batchesPerEpoch of [0, -1, 1.5, undefined as never])
    expect(() => trainingStep(mlp, { ...options, key: key(4), batchesPerEpoch })).toThrow(
      `batchesPerEpoch is ${batchesPerEpoch}. Give a whole number of at least 1`,
    );
});

describe.each(backends)('on %s', (_, create) => {
  test('a batch without weights or targets is refused', async () => {
    const backend = create();
    const step = compile(
      backend,
      trainingStep(mlp, { ...options, key: key(4), batchesPerEpoch: 1000 }),
    );
    const { weights, targets, ...rest } = itemOf(0);
    const state = await run(backend, fresh());
    const refused = (batch: object, message: RegExp) =>
      expect(step(state as never, batch as never)).rejects.toMatchObject({
        code: 'data-invalid',
        message: expect.stringMatching(message),
      });
    await refused({ ...rest, targets }, /weights is undefined. Give float32 \[B\]/);
    await refused({ ...rest, weights, targets: null }, /targets is null. Give/);
    step.dispose();
  });

  test('weights of bools are as good as numbers', async () => {
    const backend = create();
    const step = compile(
      backend,
      trainingStep(mlp, { ...options, key: key(4), batchesPerEpoch: 1000 }),
    );
    const losses: number[] = [];
    for (const weights of [
      { data: Float32Array.of(1, 0, 0, 1), shape: [4] },
      { data: Uint32Array.of(1, 0, 0, 1), shape: [4], dtype: 'bool' as const },
    ]) {
      const state = await run(backend, fresh());
      const [next, report] = await step(state, { ...itemOf(0), weights });
      losses.push(await report.loss.item(), await next.totals.loss.item());
      dispose([state, next, report]);
    }
    expect(losses.slice(2)).toEqual(losses.slice(0, 2));
    step.dispose();
  });

  test('a stream that is cut anywhere goes on with the same bits', async () => {
    const backend = create();
    const whole = await learn(backend, 0, 12);
    for (const cut of [1, 5, 11]) {
      const first = await learn(backend, 0, cut);
      expect(await learn(backend, cut, 12, first)).toEqual(whole);
    }
    expect(numbersOf(decodeParams(whole, fresh()))).not.toContain(Number.NaN);
    expect(leaks(backend)).toEqual([]);
  });
});
