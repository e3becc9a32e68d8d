/**
 * Trains the models one after another, each in a process of its own, and the baseline beside them; passes Ctrl-C on,
 * and shows the table. Knows processes and signals; knows no tensor.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { openRun, readResult, writeResult } from './checkpoint-folder.ts';
import { UsageError } from './errors.ts';
import type { Job, RowName, ToCommand, ToWorker } from './messages.ts';
import type { Options } from './options.ts';
import { header, TITLES, table } from './report.ts';
import type { BaselineResult, ModelResult } from './result.ts';

/** One press can arrive twice, from the terminal and from whoever started us; two presses are further apart. */
const ONE_PRESS_MS = 500;

/** @returns the exit code */
export async function compare(options: Options, args: readonly string[]): Promise<number> {
  const { settings } = options;
  const folder = await openRun(options);
  const control = stopControl();
  const models: ModelResult[] = [];
  let baseline: BaselineResult | null = null;
  let hasHeader = false;
  const start = async (row: RowName): Promise<ToCommand | Crash> => {
    const job: Job = { row, settings, dataDir: options.dataDir, folder };
    return runWorker(job, control, (message) => {
      if (message.kind !== 'loaded' || hasHeader) return;
      console.log(header(settings, message.data));
      hasHeader = true;
    });
  };
  try {
    for (const row of ['baseline', ...settings.cells] as const) {
      const finished = row !== 'baseline' && options.resume && (await readResult(folder, row));
      if (finished) {
        models.push(finished);
        continue;
      }
      const answer = await start(row);
      if (answer.kind === 'refused') {
        if (!options.resume) await discard(options, folder);
        throw new UsageError(answer.line);
      }
      if (answer.kind === 'crashed') {
        console.error(`sentiment: the process of ${TITLES[row]} ended with ${answer.how}`);
        return 1;
      }
      if (answer.kind === 'baseline') baseline = answer.result;
      if (answer.kind === 'trained') {
        models.push(answer.result);
        await writeResult(folder, answer.result);
        await rm(join(folder, row), { recursive: true, force: true });
      }
      if (control.signal !== null) return interrupted(control.signal, folder, args);
    }
  } finally {
    control.close();
  }
  await discard(options, folder);
  console.log(`\n${table(models, baseline)}`);
  if (options.json) console.log(JSON.stringify(models));
  return 0;
}

/** A folder that the user named keeps its results; one of ours would only gather dust. */
async function discard({ checkpointDir }: Options, folder: string): Promise<void> {
  if (checkpointDir === null) await rm(folder, { recursive: true, force: true });
}

function interrupted(signal: Signal, folder: string, args: readonly string[]): number {
  const words = args.filter((word) => word !== '--resume').map(quoted);
  console.error(`\nsaved to ${folder}; go on with:\n  pnpm demo ${words.join(' ')} --resume`);
  return exitCodeOf(signal);
}

const quoted = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

type Signal = 'SIGINT' | 'SIGTERM';
const SIGNALS = ['SIGINT', 'SIGTERM'] as const satisfies readonly Signal[];

const exitCodeOf = (signal: Signal): number => 128 + constants.signals[signal];

interface StopControl {
  /** The first signal that came, or null. */
  readonly signal: Signal | null;
  /** How to stop what runs now, if anything does. */
  stop: { readonly softly: () => void; readonly atOnce: () => void } | null;
  close(): void;
}

function stopControl(): StopControl {
  let first: { readonly signal: Signal; readonly at: number } | null = null;
  const onSignal = (signal: Signal): void => {
    if (first === null) {
      first = { signal, at: performance.now() };
      console.error('\nstopping, with a checkpoint (again: at once)');
      control.stop?.softly();
    } else if (performance.now() - first.at > ONE_PRESS_MS) {
      // Files are renamed into place when they are whole, so the last checkpoint stays good.
      control.stop?.atOnce();
      console.error('stopped at once; --resume goes on from the last checkpoint');
      process.exit(exitCodeOf(signal));
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const control: StopControl = {
    get signal() {
      return first?.signal ?? null;
    },
    stop: null,
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
  return control;
}

/** A process that ended without a result: out of memory, or a bug. */
interface Crash {
  readonly kind: 'crashed';
  readonly how: string;
}

/** Runs one job to its end and gives the last thing that its process said. */
async function runWorker(
  job: Job,
  control: StopControl,
  onMessage: (message: ToCommand) => void,
): Promise<ToCommand | Crash> {
  if (control.signal !== null) return { kind: 'stopped' };
  const worker = fork(new URL('./worker.ts', import.meta.url), [JSON.stringify(job)]);
  control.stop = stopOf(worker, job.row);
  let last: ToCommand | undefined;
  worker.on('message', (message) => {
    last = message as ToCommand;
    onMessage(last);
  });
  // What was said may still be under way when the process is gone: the channel's end is the end.
  const closed = new Promise<void>((resolve) => worker.once('disconnect', resolve));
  const code = await new Promise<number | string | null>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code, signal) => resolve(code ?? signal));
  });
  await closed;
  control.stop = null;
  if (last !== undefined && last.kind !== 'loaded' && code === 0) return last;
  if (control.signal !== null && job.row === 'baseline') return { kind: 'stopped' };
  // Its own words, a stack or the system's, are on stderr already.
  return { kind: 'crashed', how: String(code) };
}

function stopOf(worker: ChildProcess, row: RowName): NonNullable<StopControl['stop']> {
  const atOnce = (): void => void worker.kill('SIGKILL');
  const message: ToWorker = { kind: 'stop' };
  const ask = (): void => void (worker.connected && worker.send(message));
  // The baseline has nothing to save, and hears nothing while it computes.
  return { softly: row === 'baseline' ? atOnce : ask, atOnce };
}
