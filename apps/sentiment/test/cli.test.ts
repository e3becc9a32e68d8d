import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command, models, type Outcome, start } from './command.ts';
import { writeFolders, writeTables } from './reviews.ts';

let dir: string;
let env: Record<string, string>;
const run = (line: string): Promise<Outcome> => command(line, env);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ostinato-sentiment-'));
  env = { XDG_CACHE_HOME: join(dir, 'cache'), LOCALAPPDATA: join(dir, 'cache') };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function expectRefusal({ code, stdout, stderr }: Outcome, line: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^sentiment: [^\n]+\n$/);
  expect(stderr).toMatch(line);
}

/** What must not change between two runs of the same numbers. */
const numbers = (outcome: Outcome) =>
  models(outcome).map(({ tokensPerSecond: _, peakMemoryMiB: __, seconds: ___, ...rest }) => rest);

test('--help says what there is', async () => {
  const { code, stdout, stderr } = await run('--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('--checkpoint-dir DIR');
});

test('a bad option is one line and exit code 2', async () => {
  expectRefusal(await run('--cell transformer'), /--cell is one of rnn, lstm, gru, all/);
});

test('sizes that no memory holds are one line and exit code 2', async () => {
  const advice =
    / bytes[^.]*\. Give smaller --units.*$|allocation failed\. Give smaller --units.*$/m;
  for (const size of ['--units 1000000', '--maxlen 1000000000']) {
    const { code, stderr } = await run(`--cell rnn --epochs 1 --limit 20 --backend cpu ${size}`);
    expect({ code, stack: stderr.includes('    at ') }).toEqual({ code: 2, stack: false });
    expect(stderr).toMatch(advice);
  }
});

test('a missing folder, by option and by variable, is one line and exit code 2', async () => {
  const missing = join(dir, 'missing');
  expectRefusal(await run(`--data imdb --data-dir ${missing}`), /no folder .*missing; --data-dir/);
  env.OSTINATO_DATA_DIR = missing;
  expectRefusal(await run('--data imdb'), /no folder .*missing; OSTINATO_DATA_DIR/);
  expect(await readdir(join(dir, 'cache', 'ostinato', 'sentiment'))).toEqual([]);
});

test('an empty folder and a broken file are one line and exit code 2', async () => {
  expectRefusal(await run(`--data imdb --data-dir ${dir}`), /has neither train\/pos/);
  await writeTables(dir, 0.5);
  expectRefusal(await run(`--data imdb --data-dir ${dir}`), /train\.tsv\.gz/);
});

const TINY = '--units 4 --embedding 4 --epochs 2 --batch 8 --words 40 --maxlen 6 --json';

test('the JSON has an object per model, the table a row per model and the baseline', async () => {
  await writeFolders(dir, 20);
  const outcome = await run(`--data imdb --data-dir ${dir} ${TINY} --limit 30`);
  expect(outcome.code).toBe(0);
  expect(outcome.stdout).toMatch(
    /^data {6}24 film reviews to train, 6 to validate, 30 held back; 6 steps\n/,
  );
  expect(outcome.stdout.match(/^(SimpleRNN|LSTM|GRU|bag of words) .*%/gm)).toHaveLength(4);
  expect(outcome.stderr).toContain('epoch 2/2');
  const cells = {
    rnn: 4 * 4 + 4 * 4 + 4,
    lstm: 4 * (4 * 4 + 4 * 4 + 4),
    gru: 3 * (4 * 4 + 4 * 4 + 8),
  };
  expect(models(outcome)).toEqual(
    Object.entries(cells).map(([cell, parameters]) => ({
      cell,
      backend: 'wasm',
      parameters: 40 * 4 + parameters + 4 + 1,
      epochs: 2,
      trainLoss: [expect.any(Number), expect.any(Number)],
      validationAccuracy: expect.any(Number),
      bestEpoch: expect.any(Number),
      testAccuracy: expect.any(Number),
      testLoss: expect.any(Number),
      tokensPerSecond: expect.any(Number),
      peakMemoryMiB: expect.any(Number),
      seconds: expect.any(Number),
    })),
  );
  expect(await readdir(join(dir, 'cache', 'ostinato', 'sentiment'))).toEqual([]);
});

test('reads tables from the folder that the variable names, masked too', async () => {
  await writeTables(join(dir, 'imdb'));
  env.OSTINATO_DATA_DIR = dir;
  const outcome = await run(`--data imdb --cell rnn --mask ${TINY}`);
  expect(outcome.stdout).toContain('32 film reviews to train, 8 to validate, 40 held back');
  expect(outcome.stdout).toContain('padding masked');
  expect(models(outcome)).toHaveLength(1);
});

test('the loss falls, and the same seed gives the same numbers', async () => {
  const line = '--cell gru --units 16 --epochs 3 --limit 400 --json';
  const [first, second, other] = await Promise.all([
    run(line),
    run(`${line} --checkpoint-dir ${join(dir, 'own')}`),
    run(`${line} --seed 1`),
  ]);
  expect(numbers(second)).toEqual(numbers(first));
  expect(numbers(other)).not.toEqual(numbers(first));
  const [{ trainLoss } = {}] = models(first);
  const [before = 0, , after = 1] = trainLoss as number[];
  expect(after).toBeLessThan(before - 0.01);
});

test('a model that diverged is a row of NaN, and so it is where it was finished before', async () => {
  const line = `--cell gru ${TINY} --limit 100 --learning-rate 3e38 --checkpoint-dir ${join(dir, 'own')}`;
  for (const outcome of [await run(line), await run(`${line} --resume`)]) {
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/^GRU .*% +NaN /m) });
    expect(models(outcome)).toMatchObject([{ cell: 'gru', testLoss: null }]);
  }
});

/** In place of the network: ten bytes of gzip, and no end. */
const FETCH_FOR_EVER = `
  globalThis.fetch = async (_, { signal }) => new Response(new ReadableStream({
    start(body) {
      body.enqueue(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3));
      signal.addEventListener('abort', () => body.error(signal.reason));
    },
  }));`;

/** Long enough that it still runs where a busy machine sends the signal a second late. */
const LONG = '--cell lstm --units 16 --epochs 300 --limit 300 --json';

/** Starts the long run and sends a signal once its first epoch is saved. */
async function interrupt(line: string, name: NodeJS.Signals): Promise<Outcome> {
  const folder = join(dir, 'run');
  const running = start([...line.split(' '), '--checkpoint-dir', folder], env);
  while (!existsSync(join(folder, 'lstm', 'checkpoint.safetensors'))) await setTimeout(20);
  running.signal(name);
  running.signal(name); // the same press, seen twice
  return running.outcome;
}

test('a run that Ctrl-C interrupts goes on to the numbers of one that was left alone', async () => {
  const { code, stdout, stderr } = await interrupt(LONG, 'SIGINT');
  expect({ code, json: stdout.includes('[{') }).toEqual({ code: 130, json: false });
  expect(stderr).toContain(`pnpm demo ${LONG} --checkpoint-dir ${join(dir, 'run')} --resume`);

  const other = await run(
    `${LONG.replace('16', '8')} --checkpoint-dir ${join(dir, 'run')} --resume`,
  );
  expectRefusal(other, /had other options: units was 16, now 8/);

  const [resumed, whole] = await Promise.all([
    run(`${LONG} --checkpoint-dir ${join(dir, 'run')} --resume`),
    run(LONG),
  ]);
  expect(resumed.code).toBe(0);
  expect(numbers(resumed)).toEqual(numbers(whole));
  expect(numbers(resumed)[0]?.trainLoss).toHaveLength(300);
});

test('Ctrl-C while the reviews download leaves nothing of them', async () => {
  const script = join(dir, 'fetch.mjs');
  await writeFile(script, FETCH_FOR_EVER);
  env.NODE_OPTIONS = `--import=${pathToFileURL(script)}`;
  const running = start(['--data', 'imdb'], env);
  while (!running.stderr().includes('download')) await setTimeout(20);
  const data = join(dir, 'cache', 'ostinato', 'data');
  expect(await readdir(data)).toEqual([expect.stringMatching(/^\.imdb-/)]);
  running.signal('SIGINT');
  expect((await running.outcome).code).toBe(130);
  expect(await readdir(data)).toEqual([]);
});

test('SIGTERM saves too; a checkpoint that is damaged afterwards is one line', async () => {
  expect((await interrupt(LONG, 'SIGTERM')).code).toBe(143);
  await writeFile(join(dir, 'run', 'lstm', 'checkpoint.safetensors'), 'half of someth');
  const outcome = await run(`${LONG} --checkpoint-dir ${join(dir, 'run')} --resume`);
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toMatch(/^sentiment: checkpoint: [^\n]+$/m);
});

test('a checkpoint that cannot be written at Ctrl-C is not said to be saved', async () => {
  const folder = join(dir, 'run');
  const line = `--cell lstm --units 64 --epochs 1 --backend cpu --checkpoint-dir ${folder}`;
  const running = start(line.split(' '), env);
  while (!existsSync(join(folder, 'run.json'))) await setTimeout(5);
  // Reads as missing, and no folder can be made in its place.
  await symlink(join(dir, 'missing', 'folder'), join(folder, 'lstm'));
  while (!running.stderr().includes('LSTM')) await setTimeout(20);
  running.signal('SIGINT');
  const { code, stderr } = await running.outcome;
  expect({ code, saved: stderr.includes('saved to') }).toEqual({ code: 1, saved: false });
  expect(stderr).toMatch(/^sentiment: the checkpoint could not be saved: E[^\n]+lstm[^\n]+$/m);
  expect(stderr).toContain(`go on from there with:\n  pnpm demo ${line} --resume`);
});

test('texts that changed since the interruption are refused', async () => {
  const line = `--data imdb --data-dir ${dir} --cell lstm ${TINY.replace('--epochs 2', '--epochs 4000')}`;
  await writeTables(dir);
  expect((await interrupt(line, 'SIGINT')).code).toBe(130);
  await rm(join(dir, 'train.tsv.gz'));
  await rm(join(dir, 'test.tsv.gz'));
  await writeFolders(dir, 20);
  const outcome = await run(`${line} --checkpoint-dir ${join(dir, 'run')} --resume`);
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toMatch(/texts are not those/);
});

test('a finished model is not shown for other texts than its own', async () => {
  const line = `--data imdb --cell rnn ${TINY} --checkpoint-dir ${join(dir, 'run')} --data-dir ${dir}`;
  await writeFolders(join(dir, 'some'), 20);
  await writeFolders(join(dir, 'more'), 30);
  expect((await run(`${line}/some`)).code).toBe(0);
  const outcome = await run(`${line}/more --resume`);
  expect({ code: outcome.code, table: outcome.stdout.includes('SimpleRNN  ') }).toEqual({
    code: 2,
    table: false,
  });
  expect(outcome.stderr).toMatch(/^sentiment: the texts are not those[^\n]+$/m);
});

test('a folder that another run is at work in is left to it; one whose process is gone is not', async () => {
  const endless = LONG.replace('--epochs 300', '--epochs 1000000');
  const line = `${endless} --checkpoint-dir ${join(dir, 'run')}`;
  const running = start(line.split(' '), env);
  while (!existsSync(join(dir, 'run', 'lstm', 'checkpoint.safetensors'))) await setTimeout(20);
  for (const second of [line, `${line} --resume`])
    expectRefusal(await run(second), /process \d+ is at work in .*run\. Wait until it ends/);
  running.signal('SIGKILL');
  await running.outcome;
  expect(await readdir(join(dir, 'run'))).toEqual(['lstm', 'process', 'run.json']);
  const resumed = start([...line.split(' '), '--resume'], env);
  while (!resumed.stderr().includes('LSTM')) await setTimeout(20);
  resumed.signal('SIGINT');
  expect((await resumed.outcome).code).toBe(130);
  expect(await readdir(join(dir, 'run'))).toEqual(['lstm', 'run.json']);
});

test('there must be something to resume, and a folder of others is left alone', async () => {
  expectRefusal(await run('--resume'), /nothing to resume with these options/);
  await writeFile(join(dir, 'letter.txt'), 'dear');
  expectRefusal(await run(`--checkpoint-dir ${dir}`), /holds other files/);
  expectRefusal(
    await run(`--checkpoint-dir ${join(dir, 'letter.txt')}`),
    /cannot write checkpoints/,
  );
  expect(await readdir(dir)).toEqual(['letter.txt']);
});

test('a cache that cannot be written to is no reason to stop', async () => {
  await writeFile(join(dir, 'cache'), 'no folder');
  env.TMPDIR = join(dir, 'tmp');
  const { code, stderr } = await run('--cell rnn --epochs 1 --limit 20');
  expect({ code, stderr: stderr.includes('cache') }).toEqual({ code: 0, stderr: false });
  expect(await readdir(join(dir, 'tmp', 'ostinato', 'sentiment'))).toEqual([]);
});
