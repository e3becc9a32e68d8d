/**
 * The training step of a sentiment classifier at T = 100, batch 64: Embedding(10000, 64) -> cell(64) -> Dense(1,
 * sigmoid), binary cross-entropy, Adam. Ours on backend-cpu against @tensorflow/tfjs on its cpu backend.
 */
import type { Case } from './harness/compare.ts';
import { install } from './harness/install.ts';
import { runCases } from './harness/run.ts';
import { type CellName, gates, type Reviews } from './peers/reviews.ts';

const TFJS = { name: '@tensorflow/tfjs', version: '4.22.0' };

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

function caseOf(cell: CellName, peerFolder: string): Case {
  const spec: Reviews = { ...reviews, cell };
  const { batch, time, features, units } = spec;
  const script = (side: string): URL => new URL(`./peers/${side}/reviews.ts`, import.meta.url);
  return {
    case: 't16',
    cell,
    mode: 'training',
    shape: [batch, time, features, units],
    threads: 1,
    backend: 'cpu',
    variant: 'default',
    flops: 3 * 2 * batch * time * (features + units) * gates[cell] * units,
    inputGradient: true,
    own: { name: 'ostinato-cpu', script: script('ostinato-cpu'), spec },
    peers: [{ name: 'tfjs-cpu', script: script('tfjs-cpu'), spec, cwd: peerFolder }],
    tolerance: 1e-5,
    ...(cell === 'lstm' && { atMost: { 'tfjs-cpu': 1 / 3 } }),
  };
}

try {
  const folder = await install(TFJS.name, TFJS.version);
  await runCases(
    (['rnn', 'lstm', 'gru'] as const).map((cell) => caseOf(cell, folder)),
    [
      'a step is forward, backward, Adam and reading the loss; one thread each; GFLOP/s counts the cell only',
      "the gradient of the recurrent layer's input is included: it trains the embedding",
      `tfjs-cpu is ${TFJS.name} ${TFJS.version} with a scatter-add of ours as the gradient of its embedding: its own takes minutes a step`,
      `both sides agree on the first ${reviews.checked} losses, or nothing is timed`,
    ],
  );
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
