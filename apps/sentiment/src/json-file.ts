/** Small records in files. Knows no record. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from './errors.ts';

/** null where there is no such file. */
export async function readJson<T>(file: string): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new UsageError(`cannot read ${file}: ${error.message}`);
  });
  if (text === null) return null;
  try {
    return JSON.parse(text, readBack) as T;
  } catch {
    throw new UsageError(`${file} is damaged. Remove it, or start without --resume`);
  }
}

/** Whole or not at all: a second Ctrl-C may end the process at any point. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(value, spellOut, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** JSON has no NaN and no infinities, and what has diverged is a result too. */
const spellOut = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value;

const readBack = (_: string, value: unknown): unknown =>
  typeof value === 'object' &&
  value !== null &&
  'number' in value &&
  typeof value.number === 'string'
    ? Number(value.number)
    : value;
