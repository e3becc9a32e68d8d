/** Starts the process of one side and asks it. One process each: sides share no heap, no compiled code, no garbage. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Answer, Question, Steps } from './serve.ts';

export interface SideOptions {
  readonly name: string;
  /** A script that calls `serve`. */
  readonly script: URL;
  /** Handed to the script, which reads it with `spec`. */
  readonly spec: unknown;
  /** The folder to run in: where a peer is installed. */
  readonly cwd?: string;
  /** What runs the script: this Node by default. A side in another language answers in the same lines. */
  readonly command?: string;
  /** Options of what runs it, before the script. */
  readonly flags?: readonly string[];
  /** Variables of the process, beside those of this one. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Checked {
  readonly numbers: readonly number[];
  readonly about?: string;
}

export interface Side {
  readonly name: string;
  check(): Promise<Checked>;
  slice(ms: number): Promise<Steps>;
  stop(): Promise<void>;
}

/**
 * With glibc's own thresholds large temporaries and results go back to the system after every step, and their pages are
 * faulted in again: up to half of PyTorch's time, and most of what it takes to copy 8 MB out of wasm. These are the largest
 * that it takes.
 */
const KEEPS_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: `${2 ** 25}`,
  MALLOC_TRIM_THRESHOLD_: `${2 ** 32}`,
  MALLOC_TOP_PAD_: `${2 ** 26}`,
};

export function startSide(options: SideOptions): Side {
  const { name, script, spec, cwd, command = process.execPath, flags = [], env = {} } = options;
  const child = spawn(command, [...flags, fileURLToPath(script), JSON.stringify(spec)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...KEEPS_MEMORY, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  let said = ''; // shown only where the process fails: peers greet and warn
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', (error) => {
      said += error.message;
      resolve();
    });
  });
  child.stdin.on('error', () => {}); // a process that ended reads nothing; `ask` reports that
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const ask = async <Q extends Question>(question: Q): Promise<AnswerTo<Q>> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await answers.next();
    if (!done) return JSON.parse(value) as AnswerTo<Q>;
    await ended;
    throw new Error(`${name}: the process ended before it answered "${question.ask}".\n${said}`);
  };

  return {
    name,
    check: () => ask({ ask: 'check' }),
    slice: (ms) => ask({ ask: 'slice', ms }),
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

type AnswerTo<Q extends Question> = Q['ask'] extends 'check'
  ? Extract<Answer, { numbers: unknown }>
  : Steps;
