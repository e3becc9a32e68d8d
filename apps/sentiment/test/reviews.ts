/** Reviews in files, in both forms that the app reads. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const text = (part: string, label: number, i: number): string =>
  `${part} review ${i} was ${label === 1 ? 'good' : 'bad'}<br />`;

/** `aclImdb/train/pos/0_9.txt` and so on. */
export async function writeFolders(dir: string, perClass: number): Promise<void> {
  for (const part of ['train', 'test']) {
    for (const [label, name] of ['neg', 'pos'].entries()) {
      const folder = join(dir, 'aclImdb', part, name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < perClass; i++) {
        await writeFile(join(folder, `${i}_${label === 1 ? 9 : 2}.txt`), text(part, label, i));
      }
    }
  }
}

/** `train.tsv.gz` and `test.tsv.gz`; cut off at a share of their bytes. */
export async function writeTables(dir: string, share = 1): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const part of ['train', 'test']) {
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${i % 2}\t${i % 2 ? 9 : 2}\t${i}\t${text(part, i % 2, i)}`,
    );
    const bytes = gzipSync(`${['label\trating\tid\ttext', ...rows].join('\n')}\n`);
    await writeFile(join(dir, `${part}.tsv.gz`), bytes.subarray(0, bytes.length * share));
  }
}
