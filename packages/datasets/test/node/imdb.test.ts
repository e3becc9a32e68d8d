import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DatasetError } from '../../src/index.ts';
import { readImdb } from '../../src/node.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ostinato-imdb-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}

/** `count` reviews of each class in each part, without the folder `aclImdb`. */
function folders(count: number): Record<string, string> {
  const names = ['train', 'test'].flatMap((part) =>
    ['pos', 'neg'].flatMap((name) =>
      Array.from({ length: count }, (_, i) => `${part}/${name}/${i}_${name === 'pos' ? 9 : 2}.txt`),
    ),
  );
  return Object.fromEntries(names.map((name) => [name, `text of ${name}`]));
}

const header = 'label\trating\tid\ttext\n';
const table = `${header}1\t8\tpos/1\tA fine\u2028film\r\n0\t2\tneg/7\tNot <br />so fine\n`;

describe('folders', () => {
  test('gives each review with its label, rating and id', async () => {
    await put(folders(3));
    const { train, test: held } = await readImdb({ dir });
    expect(train).toHaveLength(6);
    expect(held).toHaveLength(6);
    expect(train).toContainEqual({
      text: 'text of train/pos/2_9.txt',
      label: 1,
      rating: 9,
      id: 'pos/2',
    });
    expect(held).toContainEqual({
      text: 'text of test/neg/0_2.txt',
      label: 0,
      rating: 2,
      id: 'neg/0',
    });
  });

  test('the order is the same everywhere, and a prefix has both classes', async () => {
    await put(folders(100));
    const { train } = await readImdb({ dir });
    expect(
      train
        .slice(0, 8)
        .map(({ id }) => id)
        .join(' '),
    ).toMatchInlineSnapshot(`"neg/70 pos/81 pos/29 pos/67 pos/40 neg/3 neg/2 pos/98"`);
    const positive = train.slice(0, 60).filter(({ label }) => label === 1).length;
    expect(positive).toBeGreaterThan(20);
    expect(positive).toBeLessThan(40);
  });

  test('limit takes the beginning of each part', async () => {
    await put(folders(9));
    const all = await readImdb({ dir });
    const some = await readImdb({ dir, limit: 5 });
    expect(some.train).toEqual(all.train.slice(0, 5));
    expect(some.test).toEqual(all.test.slice(0, 5));
  });

  test('finds aclImdb within, and the default through OSTINATO_DATA_DIR', async () => {
    const within = Object.entries(folders(1)).map(([name, text]) => [`imdb/aclImdb/${name}`, text]);
    await put(Object.fromEntries(within));
    vi.stubEnv('OSTINATO_DATA_DIR', dir);
    expect((await readImdb()).train).toHaveLength(2);
    expect((await readImdb({ dir: join(dir, 'imdb') })).train).toHaveLength(2);
  });

  test('an empty class and a strange name are errors', async () => {
    await put({ 'train/pos/0_9.txt': 'a', 'train/neg/0_2.txt': 'b', 'test/pos/0_9.txt': 'c' });
    await expect(readImdb({ dir })).rejects.toMatchObject({
      code: 'data-missing',
      message: expect.stringMatching(/test.neg has no \.txt file.*unpack it again/),
    });
    await put({ 'train/pos/notes.txt': 'd' });
    await expect(readImdb({ dir })).rejects.toMatchObject({
      code: 'data-broken',
      message: expect.stringMatching(/notes\.txt is not named number_rating\.txt/),
    });
    await rm(join(dir, 'train/pos/notes.txt'));
    await put({ 'train/pos/1_11.txt': 'd' });
    await expect(readImdb({ dir })).rejects.toThrow(/1_11\.txt is not .* rating from 1 to 10/);
  });

  test('what cannot be read is the data’s fault', async () => {
    await put({ 'train/pos/0_9.txt': 'a', 'train/neg/0_2.txt/inside': 'b' });
    await expect(readImdb({ dir })).rejects.toMatchObject({
      code: 'data-broken',
      message: expect.stringMatching(/neg.0_2\.txt cannot be read: EISDIR/),
    });
  });
});

describe('tables', () => {
  test.each([
    ['tsv', (text: string) => text],
    ['tsv.gz', (text: string) => gzipSync(text)],
  ])('.%s, in the order of the file', async (end, pack) => {
    await put({ [`train.${end}`]: pack(table), [`test.${end}`]: pack(table.trimEnd()) });
    const { train, test: held } = await readImdb({ dir });
    expect(train).toEqual([
      { label: 1, rating: 8, id: 'pos/1', text: 'A fine\u2028film\r' },
      { label: 0, rating: 2, id: 'neg/7', text: 'Not <br />so fine' },
    ]);
    expect(held).toEqual(train);
  });

  test.each([
    ['a byte order mark', `\uFEFF${header}1\t8\tpos/1\tA film\n`],
    ['CRLF', `${header}1\t8\tpos/1\tA film\n`.replaceAll('\n', '\r\n')],
    ['CRLF but at the end', `${header}1\t8\tpos/1\tA film`.replaceAll('\n', '\r\n')],
    ['a blank last line', `${header}1\t8\tpos/1\tA film\n\n`],
    ['all of them', `\uFEFF${header}1\t8\tpos/1\tA film\n\n\n`.replaceAll('\n', '\r\n')],
  ])('%s is no part of the table', async (_, content) => {
    await put({ 'train.tsv': content, 'test.tsv.gz': gzipSync(content) });
    const film = [{ label: 1, rating: 8, id: 'pos/1', text: 'A film' }];
    expect(await readImdb({ dir })).toEqual({ train: film, test: film });
  });

  test('limit stops early', async () => {
    await put({ 'train.tsv': `${table}no review`, 'test.tsv': table });
    expect((await readImdb({ dir, limit: 1 })).train).toHaveLength(1);
    expect((await readImdb({ dir, limit: 2 })).train).toHaveLength(2);
    await expect(readImdb({ dir, limit: 3 })).rejects.toThrow(/line 4/);
  });

  const long = Array.from({ length: 4000 }, (_, i) => `1\t8\tpos/${i}\t${Math.sin(i)}`).join('\n');
  test.each([
    ['a wrong header', `label,rating\n`, /line 1 of .* is "label,rating", wanted "label\\trating/],
    ['too few columns', `${table}1\t8\tpos/2\n`, /line 4 of .* has 3 columns instead of 4/],
    [
      'a blank line',
      `${header}\n\n1\t8\tpos/2\ta\n`,
      /line 2 of .* has 1 columns instead of 4: ""/,
    ],
    ['too many columns', `${table}1\t8\tpos/2\ta\tb\n`, /line 4 of .* has 5 columns/],
    ['a label', `${header}2\t8\tpos/2\ta\n`, /line 2 of .* has the label "2"/],
    ['a rating', `${header}1\t11\tpos/2\ta\n`, /line 2 of .* has the rating "11"/],
    ['no id', `${header}1\t8\t\ta\n`, /line 2 of .* has no id/],
    ['no text', `${header}1\t8\tpos/2\t\n`, /line 2 of .* has no text/],
  ])('%s is named with its line', async (_, content, message) => {
    await put({ 'train.tsv': content, 'test.tsv': table });
    await expect(readImdb({ dir })).rejects.toThrow(message);
    await expect(readImdb({ dir })).rejects.toMatchObject({ code: 'data-broken' });
  });

  test('a truncated or false gzip is an error', async () => {
    const whole = gzipSync(header + long);
    await put({ 'train.tsv.gz': whole.subarray(0, whole.length / 2), 'test.tsv.gz': whole });
    await expect(readImdb({ dir })).rejects.toMatchObject({
      code: 'data-broken',
      message: expect.stringMatching(/cannot be read beyond line \d+: unexpected end of file/),
    });
    await put({ 'train.tsv.gz': 'no gzip' });
    await expect(readImdb({ dir })).rejects.toThrow(/beyond line 0: incorrect header check/);
  });

  test('an empty table and a missing part are errors', async () => {
    await put({ 'train.tsv': header });
    await expect(readImdb({ dir })).rejects.toThrow(/has no reviews/);
    await put({ 'train.tsv': table });
    await expect(readImdb({ dir })).rejects.toMatchObject({
      code: 'data-missing',
      message: expect.stringMatching(/lacks test\.tsv and test\.tsv\.gz/),
    });
  });
});

describe('nothing there', () => {
  test('says where it looked and what to do', async () => {
    vi.stubEnv('OSTINATO_DATA_DIR', '');
    await expect(readImdb()).rejects.toThrow(/got no "dir" and OSTINATO_DATA_DIR is not set/);
    await expect(readImdb({ dir: join(dir, 'none') })).rejects.toThrow(/no folder .*downloadImdb/);
    await expect(readImdb({ dir })).rejects.toThrow(/neither train.pos, aclImdb/);
    for (const options of [{}, { dir }, { dir: join(dir, 'none') }]) {
      const promise = readImdb(options);
      await expect(promise).rejects.toBeInstanceOf(DatasetError);
      await expect(promise).rejects.toMatchObject({ code: 'data-missing' });
    }
  });

  test('a limit that is none is refused', async () => {
    await expect(readImdb({ dir, limit: 0 })).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
