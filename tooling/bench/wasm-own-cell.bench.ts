/**
 * A cell of a user's own, an LSTM whose gates are normalised, beside the library's LSTM: what a FLOP of its products
 * costs. PyTorch runs the same cell as a loop in Python, for that is what one writes there.
 */
import type { Case } from './harness/compare.ts';
import { runCases } from './harness/run.ts';
import type { Sequences } from './peers/sequences.ts';
import { onWasm, sequenceCase, torchSides } from './peers/sides.ts';

const torch = await torchSides('sequences');

function caseOf(
  cell: 'lstm' | 'normed',
  mode: 'inference' | 'training',
  [batch, time, inputs, units]: readonly [number, number, number, number],
): Case {
  const how = { bias: 'two', reset: 'after', learningRate: 1, threads: 1 } as const;
  const spec: Sequences = { cell, mode, batch, time, inputs, units, ...how };
  const ours = { work: 'sequences', spec };
  return {
    ...sequenceCase('own-cell', spec),
    ours: [onWasm('best', ours), onWasm('simd128', ours)],
    peers: torch(spec),
  };
}

const shapes = [
  [32, 100, 64, 64],
  [32, 100, 128, 256],
] as const;
await runCases(
  shapes.flatMap((shape) =>
    (['inference', 'training'] as const).flatMap((mode) =>
      (['lstm', 'normed'] as const).map((cell) => caseOf(cell, mode, shape)),
    ),
  ),
  [
    "normed: layer norm over the gates inside the step; training as in wasm-torch, without the input's gradient",
    'GFLOP/s counts the products alone, so that "lstm" and "normed" are to be compared by them',
    "torch runs the normed cell as a loop in Python, with the input's product outside of it, and the LSTM as its own layer",
  ],
);
