/**
 * The side that is measured: a process of its own, which answers questions on stdin with lines on stdout. Knows no
 * other side. `side.ts` asks.
 */
import { createInterface } from 'node:readline';
import { median } from './rounds.ts';

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

export type Answer = { readonly numbers: readonly number[]; readonly about?: string } | Steps;

/** Per step: the median of some repeats, and CPU time in the mean. Beside them the CPU time of all steps. */
export interface Steps {
  readonly ms: number;
  readonly cpuMs: number;
  readonly allCpuMs: number;
}

/** Least length of a repeat in ms: of so many steps in a row as that takes. */
const REPEAT = 1;

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
  const repeats: number[] = [];
  let steps = 0;
  for (let now = start; now - start < question.ms; ) {
    const before = { steps, now };
    do {
      await work.step();
      steps++;
      now = performance.now();
    } while (now - before.now < REPEAT);
    repeats.push((now - before.now) / (steps - before.steps));
  }
  const { user, system } = process.cpuUsage(cpu);
  const allCpuMs = (user + system) / 1000;
  return { ms: median(repeats), cpuMs: allCpuMs / steps, allCpuMs };
}
