/**
 * Threads that this one leads: it forks to workers and joins with them, once per launch, and computes its own part. Knows
 * workers and the control block; knows no program.
 */
import { fail } from '@ostinato/core/backend';
import type { Code, Job, Kernel, Loaded, Team } from '../jobs.ts';
import type { Heap } from '../memory.ts';
import { fork, inTurn, join, MOST_ARGUMENTS, operation, SPINS, share, word } from './control.ts';
import { type Crew, openCrew } from './crew.ts';

/** Starts `threads - 1` workers; the caller's thread is the first. */
export const openPool = async (heap: Heap, threads: number): Promise<Team> =>
  new Pool(await openCrew(heap, 1, threads));

class Pool implements Team {
  private readonly crew: Crew;
  private nextProgram = 0;
  /** Messages on their way; while there are any, workers may be at their event loop and take no job. */
  private telling = 0;
  private told: Promise<unknown> = Promise.resolve();

  constructor(crew: Crew) {
    this.crew = crew;
  }

  /** While others run. */
  async load({ modules, names }: Code, kernels: readonly Kernel[]): Promise<Loaded> {
    const id = this.nextProgram++;
    await this.tell({ kind: 'load', id, modules, names });
    return {
      run: (jobs) => {
        for (const job of jobs) this.run(id, job, kernels[job.number] as Kernel);
      },
      drop: () => {
        this.tell({ kind: 'drop', id }).catch(() => undefined);
      },
    };
  }

  dispose(): void {
    this.crew.stop();
  }

  /** Runs the kernel here and the same function in every worker, each with its part, and returns when all are done. */
  private run(id: number, { number, args, parts }: Job, kernel: Kernel): void {
    if (parts === undefined) {
      kernel(...args);
      return;
    }
    this.check();
    if (this.telling > 0 || args.length > MOST_ARGUMENTS) {
      inTurn(kernel, args, parts, this.crew.workers.length + 1);
      return;
    }
    const { control, workers } = this.crew;
    control.set([operation.run, id, number, parts, args.length, ...args], word.operation);
    fork(control, word, workers.length);
    const { first, count } = share(parts, 0, workers.length + 1);
    try {
      kernel(...args, first, count, 0);
    } finally {
      join(control, word, SPINS);
    }
    this.check();
  }

  /** A worker's own error comes with an event, which is later than its mark. */
  private check(): void {
    this.crew.check('run');
    if (this.crew.control[word.failed])
      fail(
        'device-lost',
        'wasm: run failed in another thread. Open a new backend, and go on from the last checkpoint.',
      );
  }

  /** Sends every worker back to its event loop, where a message waits for it. One message at a time. */
  private tell(message: unknown): Promise<void> {
    this.telling++;
    const sent = this.told.then(async () => {
      const { control, workers, check } = this.crew;
      check('compile');
      const answers = workers.map((w) => w.answer());
      for (const w of workers) w.post(message);
      control[word.operation] = operation.receive;
      fork(control, word, workers.length);
      try {
        await Promise.all(answers);
      } catch (error) {
        check('compile'); // says that the backend was disposed, or of which error a worker ended
        throw error;
      }
    });
    const done = sent.finally(() => {
      this.telling--;
    });
    this.told = done.catch(() => undefined);
    return done;
  }
}
