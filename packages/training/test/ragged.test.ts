/** Ragged batches: any lengths and a short last batch take few programs, and give what they would give unpadded. */
import { cpu } from '@ostinato/backend-cpu';
import { lstm, recurrent } from '@ostinato/cells';
import { compile, explain, key, type Tensor, valueAndGrad } from '@ostinato/core';
import { bits, hostKey } from '@ostinato/core/random';
import { batches, bucketLength, lengthLadder, padSequences } from '@ostinato/datasets';
import { dense, embedding, sequential } from '@ostinato/layers';
import { expect, test } from 'vitest';
import { type Backend, binaryCrossEntropy } from '../src/index.ts';

const [COUNT, SIZE, LONGEST, WORDS] = [798, 8, 500, 20]; // 100 batches, the last of 6 rows

const words = bits(hostKey(7), COUNT * LONGEST);
/** Every length from 1 to 500 occurs. */
const sequences = Array.from({ length: COUNT }, (_, i) => {
  const length = 1 + ((i * 37) % LONGEST);
  return [...words.subarray(i * LONGEST, i * LONGEST + length)].map((w) => w % WORDS);
});
const labels = sequences.map((s) => (s[0] as number) % 2);

const model = sequential([
  embedding({ words: WORDS, units: 3 }),
  recurrent(lstm({ inputs: 3, units: 3 }), { returns: 'last' }),
  dense({ inputs: 3, units: 1 }),
]);

interface Rows {
  readonly ids: Tensor;
  readonly lengths: Tensor;
  readonly labels: Tensor;
  readonly weights: Tensor;
}

type Params = ReturnType<typeof model.init>;

const lossOf = (params: Params, rows: Rows): Tensor =>
  binaryCrossEntropy(
    model.apply(params, rows.ids, { lengths: rows.lengths }),
    rows.labels,
    rows.weights,
  );

/** Rows as given, filled up to `size` with rows of length zero and weight zero. */
function batchOf(chosen: Uint32Array, size: number, maxlen: number) {
  const missing = size - chosen.length;
  const picked = [...chosen].map((i) => sequences[i] as number[]);
  const padded = padSequences([...picked, ...Array.from({ length: missing }, () => [])], {
    maxlen,
    padding: 'post',
  });
  const fill = (values: readonly number[], rest: number) => ({
    data: Float32Array.from([...values, ...new Array<number>(missing).fill(rest)]),
    shape: [size],
  });
  return {
    ids: { data: padded.data, shape: padded.shape },
    lengths: { data: padded.lengths, shape: [size] },
    labels: fill(
      [...chosen].map((i) => labels[i] as number),
      0,
    ),
    weights: fill(
      [...chosen].map(() => 1),
      0,
    ),
  };
}

test('a hundred batches with lengths 1 to 500 compile at most eight programs', async () => {
  const backend = cpu() as unknown as Backend;
  const init = compile(backend, () => model.init(key(1)));
  const params = await init();
  const step = compile(backend, (p: Params, rows: Rows) => valueAndGrad(lossOf)(p, rows));
  const alone = compile(backend, lossOf);
  const ladder = lengthLadder(LONGEST);
  const longest = (chosen: Uint32Array): number =>
    Math.max(...[...chosen].map((i) => (sequences[i] as number[]).length));

  // Neighbours in length share a batch, so that short ones are not padded to the longest of all.
  const byLength = sequences
    .map((_, i) => i)
    .sort((a, b) => (sequences[a] as number[]).length - (sequences[b] as number[]).length);
  const all = batches(COUNT, { size: SIZE, key: null, epoch: 0 }).map((rows) =>
    rows.map((i) => byLength[i] as number),
  );
  expect(all).toHaveLength(100);
  expect(all.at(-1)).toHaveLength(6);
  for (const [k, chosen] of all.entries()) {
    const [loss, gradient] = await step(
      params,
      batchOf(chosen, SIZE, bucketLength(longest(chosen), ladder)),
    );
    if (k % 33 === 0) {
      const exact = await alone(params, batchOf(chosen, chosen.length, longest(chosen)));
      // The same terms in the same order, but for sums over rows that are blocked by their number.
      expect(await loss.item()).toBeCloseTo(await exact.item(), 6);
    }
    for (const t of [
      loss,
      ...Object.values(gradient).flatMap((layer) => Object.values(layer ?? {})),
    ])
      (t as Tensor | null)?.dispose();
  }
  expect(step.compilations).toBeLessThanOrEqual(8);
  expect(explain(step)).toContain(`${step.compilations} compiled`);
  backend.dispose();
}, 60_000);
