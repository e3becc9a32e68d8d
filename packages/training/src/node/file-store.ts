/**
 * A store in a folder: one file per name. Knows files; knows no format.
 *
 * A write goes to a file of its own beside the target, is flushed, and then takes the target's name in one step, which
 * POSIX makes atomic. Until then the bytes from before stay where they are, so a process that is killed at any moment
 * leaves one or the other, and never a part.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, shown } from '@ostinato/core';
import type { Store } from '../checkpoint/store.ts';

const SUFFIX = '.safetensors';
/** A file that a killed process left unfinished is removed by a later write once nobody can be writing it any more. */
const ABANDONED_AFTER = 10 * 60 * 1000;

/**
 * Keeps `name` in `dir/name.safetensors`; makes the folder at the first write. Several names, and several processes
 * that write them, are fine; of writers of one name the last wins.
 */
export function fileStore(dir: string): Store {
  if (typeof dir !== 'string' || dir === '')
    fail('option-invalid', `fileStore: the folder is ${shown(dir)}. Give its path as text.`);
  // Writes and removals of one name by one store end in the order in which they began.
  const pending = new Map<string, Promise<void>>();
  async function inTurn(name: string, act: () => Promise<void>): Promise<void> {
    const before = pending.get(name)?.catch(() => {}) ?? Promise.resolve();
    const mine = before.then(act);
    pending.set(name, mine);
    try {
      await mine;
    } finally {
      if (pending.get(name) === mine) pending.delete(name);
    }
  }
  return {
    async read(name) {
      try {
        return new Uint8Array(await readFile(pathOf(dir, name)));
      } catch (e) {
        if (isMissing(e)) return null;
        throw e;
      }
    },
    async write(name, bytes) {
      const path = pathOf(dir, name);
      const own = bytes.slice(); // the caller may change theirs while these wait
      await inTurn(name, () => replace(dir, name, path, own));
    },
    async remove(name) {
      const path = pathOf(dir, name);
      await inTurn(name, async () => {
        await rm(path, { force: true });
        await flushFolder(dir).catch((e: unknown) => {
          if (!isMissing(e)) throw e;
        });
      });
    },
  };
}

function pathOf(dir: string, name: string): string {
  // No separators and no leading dot: a name can neither leave the folder nor meet an unfinished file.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name))
    fail(
      'option-invalid',
      `fileStore: "${name}" cannot be a file's name. Use letters, digits, "_", "-" and ".", not "." at the start.`,
    );
  return join(dir, `${name}${SUFFIX}`);
}

async function replace(dir: string, name: string, path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dir, { recursive: true });
  await removeAbandoned(dir, name);
  const unfinished = join(dir, `.${name}.${randomUUID()}`);
  try {
    const file = await open(unfinished, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync(); // the bytes must be on the disk before the name is
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (e) {
    await rm(unfinished, { force: true });
    throw e;
  }
  await flushFolder(dir);
}

/** Makes renames and removals last. Windows cannot open a folder and needs no flush. */
async function flushFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function removeAbandoned(dir: string, name: string): Promise<void> {
  const prefix = `.${name}.`;
  for (const entry of await readdir(dir)) {
    if (!entry.startsWith(prefix) || entry.length !== prefix.length + randomUUID().length) continue;
    const path = join(dir, entry);
    try {
      if (Date.now() - (await stat(path)).mtimeMs > ABANDONED_AFTER)
        await rm(path, { force: true });
    } catch (e) {
      if (!isMissing(e)) throw e; // another writer was faster
    }
  }
}

const isMissing = (e: unknown): boolean => e instanceof Error && 'code' in e && e.code === 'ENOENT';
