/**
 * Cost in time and batch on backend-wasm: GFLOP/s should not fall as T or B grows, and with checkpoints the memory of
 * training should grow as the square root of T. No peers.
 */
import type { Case } from './harness/compare.ts';
import { NO_CASE, parseOptions } from './harness/options.ts';
import { runCases } from './harness/run.ts';
import { openEngine } from './peers/ostinato/engine.ts';
import { scratchOf } from './peers/ostinato/memory.ts';
import type { Sequences } from './peers/sequences.ts';
import { onWasm, sequenceCase } from './peers/sides.ts';

function caseOf(
  name: string,
  mode: 'inference' | 'training',
  [batch, time]: readonly [number, number],
): Case {
  const [inputs, units] = [64, 64];
  const how = { bias: 'two', reset: 'after', learningRate: 1, threads: 1 } as const;
  const spec: Sequences = { cell: 'lstm', mode, batch, time, inputs, units, ...how };
  return {
    ...sequenceCase(name, spec),
    ours: [onWasm('best', { work: 'sequences', spec })],
    peers: [],
  };
}

const lengths = [10, 100, 1000, 10_000];
const times = lengths.map((time) => [8, time] as const);
const batches = [1, 4, 16, 64, 256].map((batch) => [batch, 100] as const);
await runCases(
  (['inference', 'training'] as const).flatMap((mode) => [
    ...times.map((size) => caseOf('linear-in-time', mode, size)),
    ...batches.map((size) => caseOf('linear-in-batch', mode, size)),
  ]),
  [
    "one thread; the cost is linear where GFLOP/s stay as T or B grows; the input's gradient is not computed",
  ],
);

if ('memory-in-time'.includes(parseOptions(process.argv.slice(2)).options.case)) {
  if (process.exitCode === NO_CASE) process.exitCode = 0; // of those above
  const { backend } = await openEngine({ backend: 'wasm', threads: 1 });
  const [batch, units] = [8, 64];
  for (const time of lengths)
    for (const checkpoint of [false, true]) {
      const bytes = await scratchOf(backend, { batch, time, units, checkpoint });
      const shape = [batch, time, units, units];
      console.log(
        JSON.stringify({
          case: 'memory-in-time',
          cell: 'lstm',
          mode: 'training',
          shape,
          threads: 1,
          backend: 'wasm',
          variant: 'best',
          // Memory, not time.
          ...{ ms: null, gflops: null, peakGflops: null, peers: {} },
          checkpoint,
          bytes,
        }),
      );
    }
}
