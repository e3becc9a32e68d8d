/**
 * The training step of a sentiment classifier at T = 100, batch 64: Embedding(10000, 64) -> cell(64) -> Dense(1,
 * sigmoid), binary cross-entropy, Adam. Ours on backend-cpu against @tensorflow/tfjs on its cpu backend.
 */
import type { Case } from './harness/compare.ts';
import { runCases } from './harness/run.ts';
import { type CellName, gates, type Reviews } from './peers/reviews.ts';
import { onCpu, tfjsSides, versions } from './peers/sides.ts';

const reviews = {
  words: 10_000,
  batch: 64,
  time: 100,
  features: 64,
  units: 64,
  learningRate: 1e-3,
  epsilon: 1e-7,
  checked: 3,
};

type Tfjs = Awaited<ReturnType<typeof tfjsSides>>;

function caseOf(cell: CellName, tfjs: Tfjs): Case {
  const spec: Reviews = { ...reviews, cell };
  const { batch, time, features, units } = spec;
  return {
    case: 't16',
    cell,
    mode: 'training',
    shape: [batch, time, features, units],
    flops: 3 * 2 * batch * time * (features + units) * gates[cell] * units,
    inputGradient: true,
    ours: [onCpu({ work: 'reviews', spec })],
    peers: [tfjs.cpu('reviews', spec)],
    tolerance: 1e-5,
    ...(cell === 'lstm' && { atMost: { 'tfjs-cpu': 1 / 3 } }),
  };
}

try {
  const tfjs = await tfjsSides();
  await runCases(
    (['rnn', 'lstm', 'gru'] as const).map((cell) => caseOf(cell, tfjs)),
    [
      'a step is forward, backward, Adam and reading the loss; one thread each; GFLOP/s counts the cell only',
      "the gradient of the recurrent layer's input is included: it trains the embedding",
      `tfjs-cpu is @tensorflow/tfjs ${versions.tfjs} with a scatter-add of ours as the gradient of its embedding: its own takes minutes a step`,
      `both sides agree on the first ${reviews.checked} losses, or nothing is timed`,
    ],
  );
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
