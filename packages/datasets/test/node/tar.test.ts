import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTar } from '../../src/node/tar.ts';
import { tarArchive, tarBlocks } from './tar-archive.ts';

async function* cut(archive: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

async function read(
  archive: Uint8Array,
  options: { size?: number; wanted?: (name: string) => boolean } = {},
): Promise<[string, string][]> {
  const files: [string, string][] = [];
  const { size = 700, wanted = () => true } = options;
  for await (const { name, data } of readTar(cut(archive, size), wanted)) {
    files.push([name, Buffer.from(data).toString()]);
  }
  return files;
}

const far = `${'folder/'.repeat(18)}file.txt`;

test.each(['prefix', 'gnu', 'pax'] as const)('long names: %s', async (long) => {
  const archive = tarArchive([
    { name: far, text: 'far', long },
    { name: 'near', text: 'n' },
  ]);
  expect(await read(archive)).toEqual([
    [far, 'far'],
    ['near', 'n'],
  ]);
});

test('folders, links and unwanted files are passed over', async () => {
  const archive = tarArchive([
    { name: 'a/', type: '5' },
    { name: 'a/link', type: '2' },
    { name: 'a/big', text: 'x'.repeat(2000) },
    { name: 'a/small', text: 'ünï' },
    { name: 'a/empty' },
  ]);
  expect(await read(archive, { wanted: (name) => name !== 'a/big' })).toEqual([
    ['a/small', 'ünï'],
    ['a/empty', ''],
  ]);
});

test('any contents in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 1200 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 1500 }),
      async (texts, size) => {
        const archive = tarArchive(texts.map((text, i) => ({ name: `f${i}`, text })));
        expect(await read(archive, { size })).toEqual(texts.map((text, i) => [`f${i}`, text]));
      },
    ),
    { numRuns: 40 },
  );
});

test('a damaged or short archive is an error', async () => {
  const archive = tarArchive([{ name: 'a', text: 'text' }]);
  await expect(read(archive.subarray(0, 514))).rejects.toMatchObject({
    code: 'data-broken',
    message: expect.stringMatching(/ends in the middle/),
  });
  await expect(read(archive.subarray(0, 512))).rejects.toThrow(/ends in the middle/);
  await expect(read(Buffer.alloc(0))).rejects.toThrow(/ends in the middle/);
  const named = tarBlocks([{ name: far, long: 'gnu' }]);
  await expect(read(named.subarray(0, 1024))).rejects.toThrow(/ends in the middle/);
  const damaged = Buffer.from(archive);
  damaged[0] = 1;
  await expect(read(damaged)).rejects.toThrow(/checksum/);
});

test('the two zero blocks of the end may be missing', async () => {
  const blocks = tarBlocks([{ name: 'a', text: 'text' }, { name: 'b' }]);
  for (const size of [512, 700]) {
    expect(await read(blocks, { size })).toEqual([
      ['a', 'text'],
      ['b', ''],
    ]);
  }
});

test("times in GNU's headers are no part of the name", async () => {
  const archive = tarArchive([{ name: 'a', text: 'text', atime: '14741361270\0' }]);
  expect(await read(archive)).toEqual([['a', 'text']]);
});

test.each([
  '0 path=x\n',
  '3 path=x\n',
  '8 path=x\n',
  '11 path=x\n',
  '99999999999 path=x\n',
  '9 pathx\n\n',
])('a pax record of a length that is not its own is an error: %j', async (text) => {
  const archive = tarArchive([{ name: 'PaxHeaders/x', type: 'x', text }, { name: 'a' }]);
  await expect(read(archive)).rejects.toMatchObject({
    code: 'data-broken',
    message: expect.stringMatching(/byte 0 of a pax header begins a record of \d+ bytes/),
  });
});

test.each([
  ['letters', Buffer.from('0000000zzz\0')],
  ['a digit beyond octal', Buffer.from('00000000019')],
  ['a negative number', Buffer.from('-0000000010')],
  ['a negative number in binary', Buffer.alloc(12, 0xff)],
])('a size of %s', async (_, size) => {
  const archive = tarArchive([{ name: 'a', text: 'x' }]);
  size.copy(archive, 124);
  archive.fill(' ', 148, 156);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  await expect(read(archive)).rejects.toMatchObject({
    code: 'data-broken',
    message: expect.stringMatching(/the size of a is no number/),
  });
});
