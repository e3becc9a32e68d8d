/** Checkpoints in files survive whatever happens to the process that writes them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/index.ts';
import { fileStore } from '../../src/node.ts';

const writer = new URL('./writer.ts', import.meta.url);
const trainer = new URL('./trainer.ts', import.meta.url);

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ostinato-store-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('reads what was written last, null where there is nothing, and nothing after a removal', async () => {
  const store = fileStore(join(dir, 'made', 'when needed'));
  expect(await store.read('run')).toBeNull();
  await store.remove('run');
  await store.write('run', Uint8Array.of(1, 2));
  await store.write('run', Uint8Array.of(3));
  await store.write('run.2', Uint8Array.of(4));
  expect(await store.read('run')).toEqual(Uint8Array.of(3));
  await store.remove('run');
  expect(await store.read('run')).toBeNull();
  expect(await store.read('run.2')).toEqual(Uint8Array.of(4));
});

test('a write has the bytes of its call, whatever the caller does to them while it waits', async () => {
  const store = fileStore(dir);
  const bytes = Uint8Array.of(1, 2);
  const written = [store.write('run', new Uint8Array(1_000_000)), store.write('run', bytes)];
  bytes.fill(9);
  await Promise.all(written);
  expect(await store.read('run')).toEqual(Uint8Array.of(1, 2));
});

test('writes of one name end in order, whatever their sizes', async () => {
  const store = fileStore(dir);
  const sizes = [2_000_000, 10, 500_000, 1];
  await Promise.all(sizes.map((n, i) => store.write('run', new Uint8Array(n).fill(i))));
  expect(await store.read('run')).toEqual(Uint8Array.of(3));
  expect(await readdir(dir)).toEqual(['run.safetensors']);
});

test('a removal waits for the writes before it, and a write for the removals', async () => {
  const store = fileStore(dir);
  const writing = store.write('run', new Uint8Array(2_000_000));
  await store.remove('run');
  expect(await store.read('run')).toBeNull();
  await writing;
  expect(await readdir(dir)).toEqual([]);
  const failing = store.write('run', Symbol('x') as never);
  const all = [failing, store.remove('run'), store.write('run', Uint8Array.of(1))];
  const ends = await Promise.allSettled(all);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(await store.read('run')).toEqual(Uint8Array.of(1));
});

test('a write that fails leaves the bytes from before, and no litter', async () => {
  const store = fileStore(dir);
  await store.write('run', Uint8Array.of(1));
  await expect(store.write('run', Symbol('x') as never)).rejects.toThrow();
  expect(await store.read('run')).toEqual(Uint8Array.of(1));
  expect(await readdir(dir)).toEqual(['run.safetensors']);
});

test('names cannot leave the folder', async () => {
  const store = fileStore(dir);
  for (const name of ['', '../run', 'a/b', 'a\\b', '.hidden', '..', 'a\0b'])
    await expect(store.write(name, Uint8Array.of(1))).rejects.toMatchObject({
      code: 'option-invalid',
    });
});

test('a folder must be named', () => {
  for (const dir of [undefined, '', 3])
    expect(() => fileStore(dir as never)).toThrow(/^fileStore: the folder is .*Give its path/);
});

test('unfinished files are removed once they are old, and not before', async () => {
  const store = fileStore(dir);
  const id = '00000000-0000-4000-8000-00000000000';
  for (const k of [1, 2]) await writeFile(join(dir, `.run.${id}${k}`), 'half');
  await utimes(join(dir, `.run.${id}1`), new Date(0), new Date(0));
  await store.write('run', Uint8Array.of(1));
  expect((await readdir(dir)).sort()).toEqual([`.run.${id}2`, 'run.safetensors']);
});

test('killed at random moments, it always has a whole checkpoint, and never an older one', async () => {
  const moments = [
    { writes: 1, more: 0 },
    { writes: 1, more: 3 },
    { writes: 2, more: 1 },
    { writes: 3, more: 7 },
    { writes: 1, more: 20 },
    { writes: 2, more: 12 },
  ];
  let newest = 0;
  for (const { writes, more } of moments) {
    newest = Math.max(newest, await killAfter(start(writer, dir), writes, more));
    const bytes = (await fileStore(dir).read('run')) as Uint8Array;
    const { metadata, tensors } = decodeSafetensors(bytes, 'run');
    const written = Number(metadata.count);
    expect(written).toBeGreaterThanOrEqual(newest);
    expect(tensors.x?.data.every((x) => x === written)).toBe(true);
    newest = written;
  }
  expect(newest).toBeGreaterThan(moments.length);
});

function start(script: URL, ...args: readonly string[]): ChildProcess {
  const file = fileURLToPath(script);
  return spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Kills a writer some milliseconds after it has reported so many writes; gives the count that it reported last. */
function killAfter(child: ChildProcess, writes: number, milliseconds: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    let due = false;
    child.stdout?.on('data', (text: Buffer) => {
      output += text;
      if (due || output.split('\n').length <= writes) return;
      due = true;
      setTimeout(() => child.kill('SIGKILL'), milliseconds);
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== null) reject(new Error(`the writer ended by itself with ${code}`));
      else resolve(Number(output.trim().split('\n').at(-1)));
    });
  });
}

test('a training that is killed again and again ends with the bits of one that is not', async () => {
  const train = (folder: string, until = ''): ChildProcess =>
    start(trainer, join(dir, folder), until);
  const whole = await outputOf(train('whole'));
  expect(whole).toMatch(/resumed at 0\n[0-9a-f]+\n$/);
  await killAfter(train('killed', '20'), 1, 2);
  await killAfter(train('killed', '40'), 1, 25);
  await killAfter(train('killed', '60'), 1, 9);
  const last = await outputOf(train('killed'));
  expect(Number(/resumed at (\d+)/.exec(last)?.[1])).toBeGreaterThan(0);
  expect(last.trim().split('\n').at(-1)).toBe(whole.trim().split('\n').at(-1));
});

function outputOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (text: Buffer) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`the trainer ended with ${code}`)),
    );
  });
}

test('a file lies where its name says', async () => {
  await fileStore(dir).write('run', Uint8Array.of(7));
  expect(new Uint8Array(await readFile(join(dir, 'run.safetensors')))).toEqual(Uint8Array.of(7));
});
