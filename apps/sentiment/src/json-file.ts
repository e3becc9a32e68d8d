/** Small records in files, with all numbers: what has diverged is a result too. Knows no record. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromJson, toJson } from '@ostinato/training';
import { UsageError } from './errors.ts';

/** null where there is no such file. */
export async function readJson<T>(file: string): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new UsageError(`cannot read ${file}: ${error.message}`);
  });
  if (text === null) return null;
  try {
    return fromJson(text) as T;
  } catch {
    throw new UsageError(`${file} is damaged. Remove it, or start without --resume`);
  }
}

/** Whole or not at all: a second Ctrl-C may end the process at any point. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${toJson(value, 2)}\n`);
  await rename(`${file}.new`, file);
}
