/**
 * The side that is measured: a process of its own, which answers questions on stdin with lines on stdout. Knows no
 * other side. `side.ts` asks.
 */
import { createInterface } from 'node:readline';

export interface Work {
  /** What runs: versions, instruction sets. */
  readonly about?: string;
  /** Numbers that all sides must agree on, such as the first losses. Asked once, first. */
  check(): Promise<readonly number[]>;
  /** One step, with its result read back. */
  step(): Promise<unknown>;
}

export type Question =
  | { readonly ask: 'check' }
  /** Run steps until `ms` are over; at least one. */
  | { readonly ask: 'slice'; readonly ms: number };

export type Answer =
  | { readonly numbers: readonly number[]; readonly about?: string }
  | { readonly steps: number; readonly ms: number; readonly cpuMs: number };

/** What to measure, as `side.ts` was told. */
export const spec = <T>(): T => JSON.parse(process.argv[2] ?? 'null') as T;

export async function serve(work: Work): Promise<void> {
  console.log = console.error; // stdout is for answers
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await answerTo(JSON.parse(line) as Question, work);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

const aboutOf = ({ about }: Work): { about?: string } => (about === undefined ? {} : { about });

async function answerTo(question: Question, work: Work): Promise<Answer> {
  if (question.ask === 'check') return { numbers: await work.check(), ...aboutOf(work) };
  const cpu = process.cpuUsage();
  const start = performance.now();
  let steps = 0;
  let ms = 0;
  do {
    await work.step();
    steps++;
    ms = performance.now() - start;
  } while (ms < question.ms);
  const { user, system } = process.cpuUsage(cpu);
  return { steps, ms, cpuMs: (user + system) / 1000 };
}
