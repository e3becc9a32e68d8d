/**
 * How long a fresh process waits for its first training step on backend-wasm: the LSTM of t16 with Adam, nothing compiled
 * before but its initial values. Each round is a process of its own. No peers.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { foreignLoad, loadNote } from './harness/machine.ts';
import { NO_CASE, parseOptions } from './harness/options.ts';
import { median } from './harness/rounds.ts';
import type { Engine } from './peers/ostinato/engine.ts';
import type { Start } from './peers/ostinato/start.ts';
import type { Reviews } from './peers/reviews.ts';

const reviews: Reviews = {
  cell: 'lstm',
  words: 10_000,
  batch: 64,
  time: 100,
  features: 64,
  units: 64,
  learningRate: 1e-3,
  epsilon: 1e-7,
  checked: 0,
};
const engines: Readonly<Record<string, Engine>> = {
  best: { backend: 'wasm', threads: 1 },
  simd128: { backend: 'wasm', threads: 1, pairedSimd: false },
};

const script = fileURLToPath(new URL('./peers/ostinato/start.ts', import.meta.url));

function startOf(engine: Engine): Start {
  const said = execFileSync(process.execPath, [script, JSON.stringify({ ...reviews, engine })]);
  return JSON.parse(said.toString()) as Start;
}

/** Of each part, by the clock and in CPU time. */
function figures(
  starts: readonly Start[],
  of: (values: readonly number[]) => number,
): Record<string, number[]> {
  const parts = Object.keys(starts[0] as Start) as (keyof Start)[];
  const figure = (part: keyof Start, k: 0 | 1): number =>
    Number(of(starts.map((s) => s[part][k])).toPrecision(3));
  return Object.fromEntries(parts.map((part) => [part, [figure(part, 0), figure(part, 1)]]));
}

const { options } = parseOptions(process.argv.slice(2));
const chosen = Object.entries(engines).filter(([variant]) =>
  `wasm-start/lstm/training ${variant}`.includes(options.case),
);
if (chosen.length === 0) process.exitCode = NO_CASE;
const busy = chosen.length > 0 ? await foreignLoad() : 0;
const starts = new Map<string, Start[]>(chosen.map(([variant]) => [variant, []]));
for (let round = 0; round < options.rounds; round++)
  for (const [variant, engine] of chosen) starts.get(variant)?.push(startOf(engine));

const { batch, time, features, units } = reviews;
for (const [variant, all] of starts) {
  const medians = figures(all, median);
  const least = figures(all, (values) => Math.min(...values));
  if (!options.json) {
    console.log(
      `lstm/training ${variant}: ms of ${all.length} processes, (CPU time of the thread)`,
    );
    for (const [part, [clock, cpu]] of Object.entries(medians))
      console.log(`  ${part.padEnd(9)} ${clock} (${cpu}), at least ${least[part]?.[0]}`);
  }
  const shape = [batch, time, features, units];
  const about = { case: 'wasm-start', cell: 'lstm', mode: 'training', shape, threads: 1 };
  // Time alone, and no peers: a start is no throughput.
  const rates = { gflops: null, peakGflops: null, peers: {} };
  const measured = { backend: 'wasm', variant, ms: medians.first?.[0], ...rates };
  console.log(JSON.stringify({ ...about, ...measured, medians, least, busy }));
}
if (!options.json && chosen.length > 0) console.log(`- ${loadNote(busy)}`);
