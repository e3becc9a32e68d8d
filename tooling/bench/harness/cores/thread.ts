/** A thread that reads its core's rates whenever `turn` moves on. */
import { parentPort, workerData } from 'node:worker_threads';
import { ratesNow, warmUp } from './rate.ts';

export interface Shared {
  readonly turn: Int32Array<SharedArrayBuffer>;
  /** How many threads have read in this turn. */
  readonly done: Int32Array<SharedArrayBuffer>;
  /** Of each of these threads, two. */
  readonly rates: Float64Array<SharedArrayBuffer>;
}

const { turn, done, rates, index } = workerData as Shared & { readonly index: number };
warmUp();
parentPort?.postMessage('ready');
for (let seen = 0; ; ) {
  Atomics.wait(turn, 0, seen);
  seen = Atomics.load(turn, 0);
  const { core, caches } = ratesNow();
  rates.set([core, caches], 2 * index);
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
}
