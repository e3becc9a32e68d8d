/**
 * Where a run is kept while it is unfinished, and whether what lies there is the same run. Knows files and settings;
 * what a checkpoint holds is in train.ts.
 *
 *     run.json       the settings, and what tells the texts from others
 *     process        the id of the process that uses the folder, while it does
 *     lstm.json      a finished model's result
 *     gru/           an unfinished model's checkpoint, and what it has cost so far
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { env, kill, pid, platform } from 'node:process';
import { UsageError } from './errors.ts';
import { readJson, writeJson } from './json-file.ts';
import { CELLS, type Options, type Settings } from './options.ts';
import type { ModelResult } from './result.ts';

/** A folder of Ostinato's in the user's cache, by the habits of each system. */
export function cacheFolder(name: string): string {
  const home = homedir() || userInfo().homedir; // with HOME empty the cache would be in whatever folder one is
  const system = {
    win32: env.LOCALAPPDATA || join(home, 'AppData', 'Local'),
    darwin: join(home, 'Library', 'Caches'),
  };
  const base =
    env.XDG_CACHE_HOME || system[platform as keyof typeof system] || join(home, '.cache');
  return join(base, 'ostinato', name);
}

/** The folder of a run, one for each combination of settings, and where to go when it cannot be made. */
function foldersOf({ settings, checkpointDir }: Options): readonly [first: string, spare?: string] {
  if (checkpointDir !== null) return [checkpointDir];
  const hash = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 12);
  const name = `${settings.data}-${hash}`;
  // A home may be read-only, in a container for one.
  return [join(cacheFolder('sentiment'), name), join(tmpdir(), 'ostinato', 'sentiment', name)];
}

/**
 * Makes the folder ready: empty of what an earlier run left, or, with `resume`, checked to be the same run. It is this
 * process's until `closeRun`: two runs in it would remove each other's checkpoints.
 */
export async function openRun(options: Options): Promise<string> {
  const [first, spare] = foldersOf(options);
  if (options.resume) {
    const isSpare =
      spare !== undefined && !existsSync(runFile(first)) && existsSync(runFile(spare));
    const folder = isSpare ? spare : first;
    await requireSameRun(folder, options);
    await claim(folder);
    return folder;
  }
  try {
    return await emptyRun(first, options.settings);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (spare !== undefined) return emptyRun(spare, options.settings);
    throw new UsageError(`cannot write checkpoints to ${first}: ${(error as Error).message}`);
  }
}

export const closeRun = (folder: string): Promise<void> => rm(processFile(folder), { force: true });

const runFile = (folder: string): string => join(folder, 'run.json');

async function emptyRun(folder: string, settings: Settings): Promise<string> {
  await mkdir(folder, { recursive: true });
  // These two are what a process that was killed at once may leave.
  const found = (await readdir(folder)).filter(
    (name) => name !== 'run.json.new' && name !== 'process',
  );
  if (found.length > 0 && !found.includes('run.json')) {
    throw new UsageError(`${folder} holds other files; give --checkpoint-dir a folder of its own`);
  }
  await claim(folder);
  await clearRun(folder);
  await writeJson(runFile(folder), { version: VERSION, settings });
  return folder;
}

const processFile = (folder: string): string => join(folder, 'process');

async function claim(folder: string): Promise<void> {
  const file = processFile(folder);
  try {
    return await writeFile(file, `${pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const other = Number(await readFile(file, 'utf8').catch(() => ''));
  if (isRunning(other)) {
    throw new UsageError(
      `process ${other} is at work in ${folder}. Wait until it ends, or give --checkpoint-dir a folder of its own; if that process is none of this app's, remove ${file}`,
    );
  }
  await writeFile(file, `${pid}\n`); // of a process that was killed at once
}

function isRunning(other: number): boolean {
  if (!(other > 0) || other === pid) return false; // ids begin anew with each container
  try {
    return kill(other, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's
  }
}

/** Removes what a run of this app leaves, and nothing else. */
async function clearRun(folder: string): Promise<void> {
  for (const cell of CELLS) {
    await rm(join(folder, cell), { recursive: true, force: true });
    await rm(resultFile(folder, cell), { force: true });
  }
  await rm(runFile(folder), { force: true });
}

const VERSION = 1;

interface RunRecord {
  readonly version: number;
  readonly settings: Settings;
  /** Absent until they were read. */
  readonly texts?: string;
}

async function requireSameRun(folder: string, options: Options): Promise<void> {
  const file = runFile(folder);
  const run = await readJson<RunRecord>(file);
  if (run === null) {
    const hint = options.checkpointDir === null ? ' with these options' : '';
    throw new UsageError(
      `nothing to resume${hint}: there is no ${file}. Start without --resume, or repeat the options of the interrupted run`,
    );
  }
  if (run.version !== VERSION || typeof run.settings !== 'object' || run.settings === null) {
    throw new UsageError(`${file} is from another version. Start without --resume`);
  }
  const was: Partial<Record<string, unknown>> = { ...run.settings };
  const differing = Object.entries(options.settings).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(was[name]),
  );
  if (differing.length === 0) return;
  const list = differing.map(
    ([name, value]) => `${name} was ${JSON.stringify(was[name])}, now ${JSON.stringify(value)}`,
  );
  throw new UsageError(
    `the run in ${folder} had other options: ${list.join('; ')}. Repeat its options, or start without --resume`,
  );
}

/** Keeps what the first process says of the texts; a run goes on with no others, for its finished models saw them too. */
export async function requireSameTexts(folder: string, texts: string): Promise<void> {
  const run = await readJson<RunRecord>(runFile(folder));
  if (run?.texts === undefined) return writeJson(runFile(folder), { ...run, texts });
  if (run.texts === texts) return;
  throw new UsageError(
    'the texts are not those that the interrupted run was trained on. Name the same folder, or start without --resume',
  );
}

const resultFile = (folder: string, cell: string): string => join(folder, `${cell}.json`);

export const readResult = (folder: string, cell: string): Promise<ModelResult | null> =>
  readJson<ModelResult>(resultFile(folder, cell));

export const writeResult = (folder: string, result: ModelResult): Promise<void> =>
  writeJson(resultFile(folder, result.cell), result);
