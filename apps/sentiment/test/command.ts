/** Runs the app as a person does, in a cache of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../src/main.ts');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  /** Sends a signal as a terminal does: to every process of the command. */
  signal(name: NodeJS.Signals): void;
  /** So far. */
  stderr(): string;
  readonly outcome: Promise<Outcome>;
}

export function start(args: readonly string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, [main, ...args], {
    detached: true,
    env: { ...process.env, OSTINATO_DATA_DIR: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return {
    signal: (name) => process.kill(-(child.pid as number), name),
    stderr: () => output.stderr,
    outcome: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, ...output }));
    }),
  };
}

export const command = (line: string, env: Record<string, string>): Promise<Outcome> =>
  start(line.split(' '), env).outcome;

/** The models in the last line of stdout. */
export function models({ stdout }: Outcome): Record<string, unknown>[] {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
}
