/** Long lists of indices: the order of their sums, at a cost that grows as they do. */
import { type Backend, programBuilder, window } from '@ostinato/core/backend';
import { dawnSeen, describeOnGpu } from '@ostinato/software-gpu/vitest';
import { expect, test } from 'vitest';
import type { WebGpuOptions } from '../src/index.ts';
import { open } from './gpu.ts';

interface Lookup {
  /** Of the table. */
  readonly rows: number;
  readonly ids: readonly number[];
}

const columns = 2;

/** Row `i` adds the float32 `i + 1/3` to the table, so that another order of a long sum has other bits. */
const term = (i: number): number => Math.fround(i + 1 / 3);

function expected({ rows, ids }: Lookup): Float32Array {
  const table = new Float32Array(rows * columns);
  ids.forEach((id, i) => {
    if (id < 0 || id >= rows) return;
    for (let k = 0; k < columns; k++)
      table[id * columns + k] = (table[id * columns + k] as number) + term(i);
  });
  return table;
}

async function scattered(backend: Backend<never>, { rows, ids }: Lookup): Promise<Float32Array> {
  const n = ids.length;
  const b = programBuilder();
  const [x, index] = [b.input('x', 'float32', n * columns), b.input('ids', 'int32', n)];
  const out = b.output('table', 'float32', rows * columns);
  b.scatter({
    rows,
    shape: [n, columns],
    args: [window(x, [columns, 1]), window(index, [1])],
    out: window(out, [columns, 1]),
  });
  const executable = await backend.compile(b.program());
  const buffers = [n * columns, n, rows * columns].map((size) => backend.alloc(4 * size));
  const [given, where, table] = buffers as [never, never, never];
  const terms = Float32Array.from({ length: n * columns }, (_, k) => term(Math.floor(k / columns)));
  backend.write(given, new Uint8Array(terms.buffer));
  backend.write(where, new Uint8Array(Int32Array.from(ids).buffer));
  const refs = buffers.map((buffer) => ({ buffer, offset: 0 }));
  executable.run(refs.slice(0, 2), refs.slice(2));
  const bytes = await backend.read(table, 0, 4 * rows * columns);
  executable.dispose();
  for (const buffer of buffers) backend.free(buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, rows * columns);
}

/** A number of 0 to `most - 1`, the same for the same `k`. */
const spread = (k: number, most: number): number => (Math.imul(k + 1, 2654435761) >>> 8) % most;

const times = (n: number, id: (k: number) => number): number[] =>
  Array.from({ length: n }, (_, k) => id(k));

await describeOnGpu('scatter', () => {
  test.each(['software', 'gpu'] as const)('%s: long lists, bit by bit', async (tuning) => {
    const backend = (await open({ tuning })) as unknown as Backend<never>;
    const tokens = 32 * 500;
    const lookups: Lookup[] = [
      { rows: 10_000, ids: times(tokens, (k) => spread(k, 10_000)) },
      { rows: 10_000, ids: times(tokens, () => 7) },
      // As texts that are filled up to one length.
      { rows: 10_000, ids: times(tokens, (k) => (k % 500 < 250 ? 0 : spread(k, 10_000))) },
      { rows: 3, ids: times(tokens, (k) => spread(k, 5) - 1) },
    ];
    for (const lookup of lookups)
      expect(await scattered(backend, lookup)).toEqual(expected(lookup));
    backend.dispose();
  });

  test.each(['software', 'gpu'] as const)(
    '%s: as many as threads, and one less or more',
    async (tuning) => {
      const backend = (await open({ tuning })) as unknown as Backend<never>;
      for (const n of [1, 63, 64, 65, 255, 256, 257, 513]) {
        const lookup = { rows: 9, ids: times(n, (k) => spread(k, 10)) };
        expect(await scattered(backend, lookup), String(n)).toEqual(expected(lookup));
      }
      backend.dispose();
    },
  );

  test('links that are read before they are in place are seen', async () => {
    let removed = 0;
    /** Without the first of the two barriers of the round that links source rows. */
    const hasty = dawnSeen((device) => {
      const create = device.createShaderModule.bind(device);
      device.createShaderModule = ({ code }) => {
        const found = /\[j\d+ - 1u\] == number/.test(code);
        if (found) removed++;
        const barrier = /storageBarrier\(\);\s+workgroupBarrier\(\);/;
        return create({ code: found ? code.replace(barrier, '') : code });
      };
    });
    const lookup = { rows: 3, ids: times(1000, (k) => spread(k, 3)) };
    const on = async (options: WebGpuOptions): Promise<Float32Array> => {
      const backend = (await open(options)) as unknown as Backend<never>;
      const got = await scattered(backend, lookup);
      backend.dispose();
      return got;
    };
    expect(await on({})).toEqual(expected(lookup));
    expect(await on({ gpu: hasty })).not.toEqual(expected(lookup));
    expect(removed).toBe(1);
  });
});
