/** A thread that reads its core's rate whenever `turn` moves on. */
import { parentPort, workerData } from 'node:worker_threads';
import { coreRate, warmUp } from './rate.ts';

export interface Shared {
  readonly turn: Int32Array<SharedArrayBuffer>;
  /** How many threads have read in this turn. */
  readonly done: Int32Array<SharedArrayBuffer>;
  /** By thread; the first is the one that asks. */
  readonly rates: Float64Array<SharedArrayBuffer>;
}

const { turn, done, rates, index } = workerData as Shared & { readonly index: number };
warmUp();
parentPort?.postMessage('ready');
for (let seen = 0; ; ) {
  Atomics.wait(turn, 0, seen);
  seen = Atomics.load(turn, 0);
  rates[index] = coreRate();
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
}
