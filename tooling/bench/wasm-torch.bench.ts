/**
 * LSTM and GRU on backend-wasm against PyTorch, one thread each: inference, a training step, what of that is the layer's
 * own (gradients), and a streaming step, with the vectors that `wasm()` chooses ("best") and with plain 128-bit vectors.
 */
import type { Case } from './harness/compare.ts';
import { runCases } from './harness/run.ts';
import type { Sequences } from './peers/sequences.ts';
import { onWasm, sequenceCase, torchSides } from './peers/sides.ts';

/** [batch, time, inputs, units] */
const shapes = [
  [1, 100, 64, 64],
  [32, 100, 64, 64],
  [64, 500, 64, 64],
  [32, 100, 128, 256],
  [64, 50, 512, 512],
  [1, 1000, 128, 128],
] as const;
const STREAM = [1, 1, 64, 128] as const;

const torch = await torchSides('sequences');

function caseOf(
  cell: Sequences['cell'],
  mode: Sequences['mode'],
  [batch, time, inputs, units]: readonly [number, number, number, number],
): Case {
  // A mean over units has gradients of 1 / units: the rate makes up for it, so that wrong gradients show in the losses.
  const learningRate = units / 4;
  const how = { bias: 'two', reset: 'after', learningRate, threads: 1 } as const;
  const spec: Sequences = { cell, mode, batch, time, inputs, units, ...how };
  const ours = { work: 'sequences', spec };
  return {
    ...sequenceCase('rnn', spec),
    ours: [onWasm('best', ours), onWasm('simd128', ours)],
    peers: torch(spec),
  };
}

const cells = ['lstm', 'gru'] as const;
await runCases(
  cells.flatMap((cell) => [
    ...(['inference', 'training', 'gradients'] as const).flatMap((mode) =>
      shapes.map((shape) => caseOf(cell, mode, shape)),
    ),
    caseOf(cell, 'step', STREAM),
  ]),
  [
    'inference: all outputs, looked at where they lie, on both sides; weights and input are on the backend',
    "training: mean squared error of all outputs, gradients, gradient descent, the loss read; the input's gradient is not computed, on either side",
    'gradients: forward, and back to the weights from given gradients of all outputs: no loss, no descent',
    'step: one time step, input from the host, output read, state kept; (1,1,64,128), in ms',
    'one thread each; two biases, and the GRU resets after the product, as PyTorch does; PyTorch gets time first, and glibc keeps its memory',
  ],
);
