/**
 * Trains the models one after another, each in a process of its own, and the baseline beside them, and shows the table.
 * Knows what a finished, a refused and an interrupted run leave behind; knows no tensor.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  closeRun,
  openRun,
  readResult,
  requireSameTexts,
  writeResult,
} from './checkpoint-folder.ts';
import { decideBackend } from './decide-backend.ts';
import { UsageError } from './errors.ts';
import type { RowName } from './messages.ts';
import type { Options, RunSettings } from './options.ts';
import { header, TITLES, table } from './report.ts';
import type { BaselineResult, DataSummary, ModelResult } from './result.ts';
import { type Answer, runWorker } from './run-worker.ts';
import { exitCodeOf, type Signal, stopControl } from './stop-control.ts';

/** @returns the exit code */
export async function compare(options: Options, args: readonly string[]): Promise<number> {
  const settings = await decided(options.settings);
  const folder = await openRun(options);
  try {
    return await compareIn(folder, { ...options, settings }, args);
  } finally {
    await closeRun(folder);
  }
}

async function compareIn(
  folder: string,
  options: Options & { readonly settings: RunSettings },
  args: readonly string[],
): Promise<number> {
  const { settings } = options;
  const control = stopControl();
  const models: ModelResult[] = [];
  let baseline: BaselineResult | null = null;
  let data: DataSummary | undefined;
  const start = (row: RowName): Promise<Answer> =>
    runWorker({ row, settings, dataDir: options.dataDir, folder }, control, (loaded) => {
      if (!data) console.log(header(settings, loaded));
      data = loaded;
    });
  try {
    for (const row of ['baseline', ...settings.cells] as const) {
      const finished = row !== 'baseline' && options.resume && (await readResult(folder, row));
      if (finished) {
        models.push(finished);
        continue;
      }
      const answer = await start(row);
      if (answer.kind === 'refused') {
        // A disk that is full now may have had room for what came before.
        const isEmpty = models.length === 0 && !existsSync(join(folder, row));
        if (!options.resume && isEmpty) await discard(options, folder);
        throw new UsageError(answer.line);
      }
      if (answer.kind === 'unsaved') return unsaved(answer.line, folder, args);
      if (answer.kind === 'crashed') {
        console.error(`sentiment: the process of ${TITLES[row]} ended with ${answer.how}`);
        return 1;
      }
      if (answer.kind === 'baseline') {
        baseline = answer.result;
        if (data) await requireSameTexts(folder, data.sha256);
      }
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
  console.log(`\n${table(models, baseline)}`);
  if (options.json) console.log(JSON.stringify(models));
  await discard(options, folder); // last: until they are shown, the results are nowhere else
  return 0;
}

const decided = async (settings: Options['settings']): Promise<RunSettings> => {
  const { backend } = settings;
  return { ...settings, backend: backend === 'auto' ? await decideBackend() : backend };
};

/** A folder that the user named keeps its results; one of ours would only gather dust. */
async function discard({ checkpointDir }: Options, folder: string): Promise<void> {
  if (checkpointDir === null) await rm(folder, { recursive: true, force: true });
}

function interrupted(signal: Signal, folder: string, args: readonly string[]): number {
  console.error(`\nsaved to ${folder}; go on with:\n  ${resuming(args)}`);
  return exitCodeOf(signal);
}

function unsaved(line: string, folder: string, args: readonly string[]): number {
  console.error(
    `\nsentiment: the checkpoint could not be saved: ${line}\nwhat was saved before is in ${folder}; go on from there with:\n  ${resuming(args)}`,
  );
  return 1;
}

const resuming = (args: readonly string[]): string =>
  ['pnpm demo', ...args.filter((word) => word !== '--resume').map(quoted), '--resume'].join(' ');

const quoted = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
