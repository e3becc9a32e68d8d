/**
 * backend-webgpu against tfjs on WebGPU, on the same adapter through Dawn: a training step and the inference of one LSTM.
 * The shape is small, for software adapters; on a GPU pass `--case 256` for a large one, which runs only where it is named.
 */
import type { Case } from './harness/compare.ts';
import { parseOptions } from './harness/options.ts';
import { runCases } from './harness/run.ts';
import type { Sequences } from './peers/sequences.ts';
import { onWebgpu, sequenceCase, tfjsOnDawn } from './peers/sides.ts';

const { options } = parseOptions(process.argv.slice(2));
const small = [16, 100, 32, 64] as const;
const large = [32, 100, 128, 256] as const;
const shapes = options.case.includes('256') ? [small, large] : [small];

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
  shapes.flatMap((shape) => [caseOf('training', shape), caseOf('inference', shape)]),
  [
    "training: mean squared error of all outputs, gradients, gradient descent, the loss read; the input's gradient is not computed, on either side",
    'inference: all outputs, copied to the host; weights and input are on the device',
    'the adapter is what Dawn finds; a software one computes on the CPU, so that only the ratio means something',
  ],
);
