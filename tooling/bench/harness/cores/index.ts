/** Whether the cores that a case runs on are its own right now. */
import { Worker } from 'node:worker_threads';
import { isDisturbed, most } from '../rounds.ts';
import { type Rates, ratesNow, warmUp, watch } from './rate.ts';
import type { Shared } from './thread.ts';

export type { Rates } from './rate.ts';

export interface Cores {
  /** Of as many cores as are watched, each read by a thread of its own at the same time: the slowest one's. */
  rates(): Rates;
  /** The same once no neighbour is there, or after a quarter of a second. */
  ratesWhenAlone(): Rates;
  stop(): Promise<void>;
}

const PATIENCE_MS = 250;

/**
 * Watches as many cores as a case has threads. Which ones is up to the system: with fewer threads than cores, pin the bench
 * (`taskset`), or what is read is not where the sides run.
 */
export async function watchCores(count: number): Promise<Cores> {
  const shared: Shared = {
    turn: new Int32Array(new SharedArrayBuffer(4)),
    done: new Int32Array(new SharedArrayBuffer(4)),
    rates: new Float64Array(new SharedArrayBuffer(16 * count)),
  };
  const { turn, done, rates: theirs } = shared;
  const workers = Array.from(
    { length: count - 1 },
    (_, index) =>
      new Worker(new URL('./thread.ts', import.meta.url), { workerData: { ...shared, index } }),
  );
  await Promise.all(workers.map((worker) => new Promise((ready) => worker.once('message', ready))));
  warmUp();
  const read = (): Rates => {
    Atomics.store(done, 0, 0);
    Atomics.add(turn, 0, 1);
    Atomics.notify(turn, 0);
    const own = ratesNow();
    while (Atomics.load(done, 0) < workers.length) Atomics.wait(done, 0, Atomics.load(done, 0), 1);
    const least = (k: 0 | 1): number => Math.min(...workers.map((_, w) => theirs[2 * w + k] ?? 0));
    return { core: Math.min(own.core, least(0)), caches: Math.min(own.caches, least(1)) };
  };
  let fastest: Rates = { core: 0, caches: 0 };
  const rates = (): Rates => {
    const now = watch(read);
    fastest = most([fastest, now]);
    return now;
  };
  return {
    rates,
    ratesWhenAlone() {
      const start = performance.now();
      let now = rates();
      while (isDisturbed(now, fastest) && performance.now() - start < PATIENCE_MS) now = rates();
      return now;
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
