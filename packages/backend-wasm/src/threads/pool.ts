/**
 * Threads that share one memory and run parts of the same function at once: one fork and one join per launch. Knows
 * workers and the control block; knows no program.
 */
import type { Heap } from '../memory.ts';
import { type NodeThreads, nodeThreads } from './host.ts';
import { operation, SPINS, share, word, workerSource } from './worker-source.ts';

/** A worker of either host, as far as we use it. */
interface Thread {
  post(message: unknown): void;
  /** Resolves at the next message. */
  answer(): Promise<void>;
  stop(): void;
}

/** Bytes of the control block. */
const CONTROL_BYTES = 4096;
const WORDS = CONTROL_BYTES / 4;
/** Arguments that one job can have. */
const MAXIMUM_ARGUMENTS = WORDS - word.arguments;

/** Starts `threads - 1` workers; the caller's thread is the first. */
export async function openPool(heap: Heap, threads: number): Promise<Pool> {
  const control = heap.alloc(CONTROL_BYTES, 'control');
  try {
    return await Pool.open(heap.memory, control.address, threads);
  } catch (error) {
    heap.free(control);
    throw error;
  }
}

export class Pool {
  readonly threads: number;
  private readonly control: Int32Array;
  private readonly workers: readonly Thread[];
  private nextProgram = 0;
  /** Messages on their way; while there are any, workers may be at their event loop and take no job. */
  private telling = 0;
  private told: Promise<unknown> = Promise.resolve();

  private constructor(control: Int32Array, workers: readonly Thread[]) {
    this.control = control;
    this.workers = workers;
    this.threads = workers.length + 1;
  }

  static async open(memory: WebAssembly.Memory, address: number, threads: number): Promise<Pool> {
    const control = new Int32Array(memory.buffer, address, WORDS);
    const workers: Thread[] = [];
    try {
      for (let k = 1; k < threads; k++) workers.push(startThread());
      await Promise.all(
        workers.map((w, k) => {
          const ready = w.answer();
          w.post({ memory, control: address, words: WORDS, index: k + 1, threads });
          return ready;
        }),
      );
    } catch (error) {
      for (const w of workers) w.stop();
      throw error;
    }
    return new Pool(control, workers);
  }

  /**
   * Gives every worker the modules of a program, each of which may import what earlier ones export, and the names of the
   * functions it calls. What comes back names it in `run`.
   */
  async load(modules: readonly WebAssembly.Module[], names: readonly string[]): Promise<number> {
    const id = this.nextProgram++;
    await this.tell({ modules, id, names });
    return id;
  }

  /** Takes a program away again. */
  drop(id: number): Promise<void> {
    return this.tell({ drop: id });
  }

  /**
   * Runs `own` here and function `index` of program `id` in every worker, each with its part of `total`, and returns when
   * all are done.
   */
  run(
    id: number,
    index: number,
    args: readonly number[],
    total: number,
    own: (first: number, count: number) => void,
  ): void {
    if (this.telling > 0 || args.length > MAXIMUM_ARGUMENTS) {
      own(0, total);
      return;
    }
    const { control } = this;
    control[word.operation] = operation.run;
    control[word.program] = id;
    control[word.function] = index;
    control[word.total] = total;
    control[word.count] = args.length;
    for (let k = 0; k < args.length; k++) control[word.arguments + k] = args[k] as number;
    this.start();
    const mine = share(total, 0, this.threads);
    try {
      own(mine.first, mine.count);
    } finally {
      this.join();
    }
  }

  dispose(): void {
    for (const w of this.workers) w.stop();
  }

  private start(): void {
    const { control } = this;
    Atomics.store(control, word.left, this.workers.length);
    Atomics.add(control, word.generation, 1);
    Atomics.notify(control, word.generation);
  }

  private join(): void {
    const { control } = this;
    for (let k = 0; k < SPINS; k++) if (Atomics.load(control, word.left) === 0) return;
    for (;;) {
      const left = Atomics.load(control, word.left);
      if (left === 0) return;
      Atomics.wait(control, word.left, left);
    }
  }

  /** Sends every worker back to its event loop, where a message waits for it. One message at a time. */
  private tell(message: unknown): Promise<void> {
    this.telling++;
    const sent = this.told.then(async () => {
      const answers = this.workers.map((w) => w.answer());
      for (const w of this.workers) w.post(message);
      this.control[word.operation] = operation.load;
      this.start();
      await Promise.all(answers);
    });
    const done = sent.finally(() => {
      this.telling--;
    });
    this.told = done.catch(() => undefined);
    return done;
  }
}

function startThread(): Thread {
  const node = nodeThreads();
  return node ? startInNode(node) : startInPage();
}

function startInNode(node: NodeThreads): Thread {
  const worker = new node.Worker(workerSource, { eval: true });
  worker.unref(); // a script that forgets to dispose still ends
  return {
    post: (message) => worker.postMessage(message),
    answer: () =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          worker.off('error', failed);
          resolve();
        };
        const failed = (error: unknown): void => {
          worker.off('message', done);
          reject(error);
        };
        worker.once('message', done);
        worker.once('error', failed);
      }),
    stop: () => {
      worker.terminate().catch(() => undefined);
    },
  };
}

function startInPage(): Thread {
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const worker = new Worker(url);
  return {
    post: (message) => worker.postMessage(message),
    answer: () =>
      new Promise((resolve, reject) => {
        worker.onmessage = () => {
          URL.revokeObjectURL(url); // not earlier: it may still be loading
          resolve();
        };
        // A policy that forbids the source of the worker gives an event without a message.
        worker.onerror = ({ message }) => reject(new Error(message || "the page's policy"));
      }),
    stop: () => worker.terminate(),
  };
}
