/**
 * backend-webgpu against tfjs on WebGPU, on the same adapter through Dawn: a training step and the inference of one LSTM.
 * On a software adapter the shape is small; on a GPU pass `--case 256` for the large one.
 */
import type { Case } from './harness/compare.ts';
import { runCases } from './harness/run.ts';
import type { Sequences } from './peers/sequences.ts';
import { onWebgpu, sequenceCase, tfjsOnDawn } from './peers/sides.ts';

const tfjs = await tfjsOnDawn();

function caseOf(
  mode: 'training' | 'inference',
  [batch, time, inputs, units]: readonly [number, number, number, number],
): Case {
  const how = { bias: 'one', reset: 'before', learningRate: units / 4, threads: 1 } as const;
  const spec: Sequences = { cell: 'lstm', mode, batch, time, inputs, units, ...how };
  const ours = { work: 'sequences', spec };
  return {
    ...sequenceCase(`webgpu-${units}`, spec),
    ours: [onWebgpu('stepwise', ours), onWebgpu('persistent', ours)],
    peers: [tfjs('sequences', spec)],
  };
}

await runCases(
  [caseOf('training', [16, 100, 32, 64]), caseOf('inference', [16, 100, 32, 64])],
  [
    "training: mean squared error of all outputs, gradients, gradient descent, the loss read; the input's gradient is not computed, on either side",
    'inference: all outputs, copied to the host; weights and input are on the device',
    'the adapter is what Dawn finds; a software one computes on the CPU, so that only the ratio means something',
  ],
);
