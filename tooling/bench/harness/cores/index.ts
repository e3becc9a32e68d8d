/** Whether the cores that a case runs on are its own right now. */
import { Worker } from 'node:worker_threads';
import { coreRate, warmUp } from './rate.ts';
import type { Shared } from './thread.ts';

export interface Cores {
  /** The least `coreRate` of as many cores as are watched, each read by a thread of its own at the same time. */
  rate(): number;
  stop(): Promise<void>;
}

/**
 * Watches as many cores as a case has threads. Which ones is up to the system: with fewer threads than cores, pin the bench
 * (`taskset`), or what is read is not where the sides run.
 */
export async function watchCores(count: number): Promise<Cores> {
  const shared: Shared = {
    turn: new Int32Array(new SharedArrayBuffer(4)),
    done: new Int32Array(new SharedArrayBuffer(4)),
    rates: new Float64Array(new SharedArrayBuffer(8 * count)),
  };
  const { turn, done, rates } = shared;
  const workers = Array.from(
    { length: count - 1 },
    (_, k) =>
      new Worker(new URL('./thread.ts', import.meta.url), {
        workerData: { ...shared, index: k + 1 },
      }),
  );
  await Promise.all(workers.map((worker) => new Promise((ready) => worker.once('message', ready))));
  warmUp();
  return {
    rate() {
      Atomics.store(done, 0, 0);
      Atomics.add(turn, 0, 1);
      Atomics.notify(turn, 0);
      rates[0] = coreRate();
      while (Atomics.load(done, 0) < workers.length)
        Atomics.wait(done, 0, Atomics.load(done, 0), 1);
      return Math.min(...rates);
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
