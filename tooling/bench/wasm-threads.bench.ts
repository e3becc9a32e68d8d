/** Two threads against one on backend-wasm, and PyTorch's with as many, for batches from 32 on. */
import type { Case } from './harness/compare.ts';
import { runCases } from './harness/run.ts';
import type { Sequences } from './peers/sequences.ts';
import { onWasm, sequenceCase, torchSides } from './peers/sides.ts';

const torch = await torchSides('sequences');

function caseOf(
  mode: 'inference' | 'training',
  [batch, time, inputs, units]: readonly [number, number, number, number],
): Case {
  const how = { bias: 'two', reset: 'after', learningRate: units / 4, threads: 1 } as const;
  const spec: Sequences = { cell: 'lstm', mode, batch, time, inputs, units, ...how };
  const ours = { work: 'sequences', spec };
  return {
    ...sequenceCase('threads', spec),
    ours: [onWasm('best', { ...ours, threads: 2 }), onWasm('best', ours)],
    peers: [...torch({ ...spec, threads: 2 }), ...torch(spec)],
  };
}

const shapes = [
  [32, 100, 64, 64],
  [64, 500, 64, 64],
  [32, 100, 128, 256],
  [64, 50, 512, 512],
] as const;
await runCases(
  (['inference', 'training'] as const).flatMap((mode) => shapes.map((s) => caseOf(mode, s))),
  [
    'ratios are to ours with two threads; they are worth something only where two cores are free',
    "training is as in wasm-torch, without the input's gradient",
  ],
);
