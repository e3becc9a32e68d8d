/**
 * How long a fresh process waits for its first training step on backend-wasm: the LSTM of t16 with Adam, nothing compiled
 * before but its initial values. Each round is a process of its own, which counts where other processes were quiet and
 * neighbours on the host left two cores alone before and after: engines compile on a second one. No peers.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Cores, type Rates, watchCores } from './harness/cores/index.ts';
import { foreignFromNow, foreignLoad, loadNote } from './harness/machine.ts';
import { NO_CASE, type Options, parseOptions } from './harness/options.ts';
import { type Beside, calmest, least, median, most } from './harness/rounds.ts';
import type { Engine } from './peers/ostinato/engine.ts';
import type { Start, Timed } from './peers/ostinato/start.ts';
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
  'best, two threads': { backend: 'wasm', threads: 2 },
  simd128: { backend: 'wasm', threads: 1, pairedSimd: false },
};

const script = fileURLToPath(new URL('./peers/ostinato/start.ts', import.meta.url));

interface Watched extends Beside {
  readonly start: Start;
}

function startOf(engine: Engine, cores: Cores): Watched {
  const before = cores.ratesWhenAlone();
  const foreignSince = foreignFromNow();
  const said = execFileSync(process.execPath, [script, JSON.stringify({ ...reviews, engine })]);
  const { start, cpuMs } = JSON.parse(said.toString()) as Timed;
  const foreign = foreignSince(cpuMs);
  return { start, foreign, rates: least([before, cores.rates()]) };
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

async function measure(chosen: readonly [string, Engine][], options: Options): Promise<void> {
  const busy = await foreignLoad();
  const starts = new Map<string, Watched[]>(chosen.map(([variant]) => [variant, []]));
  const cores = await watchCores(Math.min(2, cpus().length));
  for (let round = 0; round < options.rounds; round++)
    for (const [variant, engine] of chosen) starts.get(variant)?.push(startOf(engine, cores));
  await cores.stop();
  const fastest = most([...starts.values()].flat().map(({ rates }) => rates));
  for (const [variant, { threads }] of chosen)
    report(variant, starts.get(variant) ?? [], { threads, fastest, busy, json: options.json });
  if (!options.json) console.log(`- ${loadNote(busy)}`);
}

interface Run {
  readonly threads: number;
  readonly fastest: Rates;
  readonly busy: number;
  readonly json: boolean;
}

function report(
  variant: string,
  all: readonly Watched[],
  { threads, fastest, busy, json }: Run,
): void {
  const { counting, calm } = calmest(all, fastest);
  const counted = counting.map(({ start }) => start);
  const medians = figures(counted, median);
  const smallest = figures(counted, (values) => Math.min(...values));
  if (!json) {
    const which = calm ? 'calm' : 'least disturbed';
    console.log(
      `lstm/training ${variant}: ms (CPU time of the thread), ${counted.length} ${which} processes of ${all.length}`,
    );
    for (const [part, [clock, cpu]] of Object.entries(medians))
      console.log(`  ${part.padEnd(9)} ${clock} (${cpu}), at least ${smallest[part]?.[0]}`);
  }
  const { batch, time, features, units } = reviews;
  const shape = [batch, time, features, units];
  const about = { case: 'wasm-start', cell: 'lstm', mode: 'training', shape, threads };
  // Time alone, and no peers: a start is no throughput.
  const rates = { gflops: null, peakGflops: null, peers: {} };
  const measured = { backend: 'wasm', variant, ms: medians.first?.[0], ...rates };
  console.log(JSON.stringify({ ...about, ...measured, medians, least: smallest, calm, busy }));
}

const { options } = parseOptions(process.argv.slice(2));
const chosen = Object.entries(engines).filter(([variant]) =>
  `wasm-start/lstm/training ${variant}`.includes(options.case),
);
if (chosen.length > 0) await measure(chosen, options);
else process.exitCode = NO_CASE;
