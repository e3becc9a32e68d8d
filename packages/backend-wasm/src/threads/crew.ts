/** Workers on one memory, which start together and stop together: when one fails, all do. Knows no program. */
import { fail } from '@ostinato/core/backend';
import type { Heap } from '../memory.ts';
import { CONTROL_BYTES } from './control.ts';
import { startThread, type Thread } from './thread.ts';
import { workerSource } from './worker-source.ts';

export interface Crew {
  readonly workers: readonly Thread[];
  readonly control: Int32Array;
  alive(): boolean;
  /** Throws where a worker has failed, or all were stopped. `doing` names the call that finds it. */
  check(doing: string): void;
  stop(): void;
}

/** Workers for the threads from number `first` on, of `threads`. */
export async function openCrew(heap: Heap, first: number, threads: number): Promise<Crew> {
  const block = heap.alloc(CONTROL_BYTES, 'control');
  const control = new Int32Array(heap.memory.buffer, block.address, CONTROL_BYTES / 4);
  const workers: Thread[] = [];
  let over: 'disposed' | Error | undefined;
  const stop = (why: 'disposed' | Error): void => {
    over ??= why;
    for (const w of workers) w.stop();
  };
  try {
    for (let index = first; index < threads; index++) {
      const worker = startThread(workerSource, stop);
      workers.push(worker);
      worker.post({
        kind: 'open',
        memory: heap.memory,
        control: block.address,
        words: control.length,
        index,
        threads,
      });
    }
    await Promise.all(workers.map((w) => w.answer()));
  } catch (error) {
    stop(error as Error);
    heap.free(block);
    throw over instanceof Error ? over : error;
  }
  return {
    workers,
    control,
    alive: () => over === undefined,
    check(doing) {
      if (over === undefined) return;
      if (over === 'disposed')
        fail('disposed', `wasm: ${doing} on a backend that was disposed. Open another one.`);
      fail(
        'device-lost',
        `wasm: ${doing} failed, a worker has ended (${over.message}). Open a new backend, and go on from the last checkpoint.`,
        { cause: over },
      );
    },
    stop: () => stop('disposed'),
  };
}
