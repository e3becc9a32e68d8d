import { execFileSync } from 'node:child_process';
import type { Backend } from '@ostinato/core/backend';
import { reference } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.ts';
import { trainingStep } from './training.ts';

const sizes = { words: 40, steps: 7, batch: 13, units: 12 };

const bits = (values: readonly Float32Array[]): number[][] =>
  values.map((v) => [...new Uint32Array(v.buffer, v.byteOffset, v.length)]);

test('any number of threads gives the same bits', async () => {
  const results: number[][][] = [];
  for (const threads of [1, 2, 3, 5]) {
    const backend = (await wasm({ threads, threadsFrom: 0 })) as unknown as Backend;
    for (let run = 0; run < 3; run++) results.push(bits(await trainingStep(backend, sizes)));
    backend.dispose();
  }
  for (const other of results.slice(1)) expect(other).toEqual(results[0]);
});

test('with threads the numbers are those of the reference', async () => {
  const backend = (await wasm({ threads: 2, threadsFrom: 0 })) as unknown as Backend;
  const got = await trainingStep(backend, sizes);
  const want = await trainingStep(reference() as unknown as Backend, sizes);
  backend.dispose();
  want.forEach((w, k) => {
    // Float32 sums in another order: a few units in the last place of the largest element.
    const scale = w.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    const worst = w.reduce((m, x, i) => Math.max(m, Math.abs(x - (got[k]?.[i] as number))), 0);
    expect(worst).toBeLessThanOrEqual(1e-6 + 1e-5 * scale);
  });
});

test('programs are compiled while others run, on the same workers', async () => {
  const backend = (await wasm({ threads: 2, threadsFrom: 0 })) as unknown as Backend;
  const alone = bits(await trainingStep(backend, sizes));
  const together = await Promise.all([1, 2, 3, 4].map(() => trainingStep(backend, sizes)));
  for (const t of together) expect(bits(t)).toEqual(alone);
  backend.dispose();
});

test('a script that forgets dispose ends by itself', () => {
  const script = `
    import { wasm } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    import { trainingStep } from ${JSON.stringify(new URL('./training.ts', import.meta.url).href)};
    const backend = await wasm({ threads: 2, threadsFrom: 0 });
    await trainingStep(backend, ${JSON.stringify(sizes)});
    console.log('done');
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(out).toBe('done\n');
});

test('threads that make no sense are refused', async () => {
  await expect(wasm({ threads: 0 })).rejects.toMatchObject({ code: 'option-invalid' });
});
