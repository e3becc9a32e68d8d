/** Which variant runs, and what `info()` says of it: opt-outs, processors, and a self-check that is not content. */
import { execFileSync } from 'node:child_process';
import type { Backend } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { openWasm } from '../src/backend.ts';
import { fusesMultiplyAdd } from '../src/engine/features.ts';
import { nodeEngine } from '../src/engine/node.ts';
import { canPair } from '../src/engine/v8.ts';
import { wasm } from '../src/index.ts';
import { Heap, type WasmBuffer } from '../src/memory.ts';

const fuses = await fusesMultiplyAdd();
const pairsHere = fuses && canPair().yes;

describe('what is switched off does not run', () => {
  const off = '128-bit vectors: paired SIMD is switched off';
  test.each([
    [{ pairedSimd: false }, `simd128${fuses ? '+fma' : ''}`, off],
    [{ pairedSimd: false, relaxedSimd: false }, 'simd128', off],
    [{ relaxedSimd: false }, pairsHere ? 'simd256' : 'simd128', 'no relaxed SIMD'],
  ])('%o', async (options, variant, note) => {
    const backend = await wasm({ ...options, threads: 1 });
    expect(backend.info().variant).toBe(variant);
    expect(backend.info().notes).toContainEqual(expect.stringContaining(note));
    backend.dispose();
  });
});

/** What another process says that has these flags, and what it computes. */
function withFlags(...flags: readonly string[]): string {
  const script = `
    import { compile, mul } from '@ostinato/core';
    import { wasm } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    const backend = await wasm({ threads: 1 });
    const { variant, notes } = backend.info();
    const twice = await compile(backend, (x) => mul(x, 2))(3);
    console.log(variant, notes[1], await twice.item());
  `;
  return execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
}

describe.runIf(pairsHere)('elsewhere, with single vectors', () => {
  test('a processor without AVX2: V8 would leave pairs single and say nothing', () => {
    expect(withFlags('--no-enable-avx')).toMatch(/^simd128.* 128-bit vectors: .* no AVX2 .* 6\n$/);
  });

  test('frozen flags: V8 ends the process that sets one', () => {
    expect(withFlags('--freeze-flags-after-init')).toMatch(/^simd128.*: V8's flags cannot be.* 6/);
  });
});

describe.runIf(pairsHere)('a self-check', () => {
  type Change = (backend: Backend<WasmBuffer>) => Backend<WasmBuffer>;
  /** What is said where the backend with pairs is another one. */
  const notesWith = async (change: Change): Promise<string[]> => {
    const open = () => openWasm({ threads: 1, pairedSimd: false }, {});
    const [plain, other] = [await open(), change(await open())];
    const notes: string[] = [];
    const engine = await nodeEngine(true, ({ pairs }) => (pairs ? other : plain), notes);
    expect(engine.pairs === undefined).toBe(notes.every((n) => n.startsWith('128-bit')));
    return notes;
  };

  test('that finds the same bits', async () => {
    const notes = await notesWith((backend) => backend);
    expect(notes).toEqual([expect.stringMatching(/^256-bit.* passed$/)]);
  });

  test('that finds other bits: single vectors', async () => {
    const read = async (): Promise<Uint8Array> => new Uint8Array(4);
    expect(await notesWith((backend) => ({ ...backend, read }))).toEqual([
      '128-bit vectors: the self-check of paired SIMD found other bits',
    ]);
  });

  test('that fails: single vectors, and why', async () => {
    const alloc = (): WasmBuffer => new Heap().alloc(2 ** 33);
    expect(await notesWith((backend) => ({ ...backend, alloc }))).toEqual([
      expect.stringMatching(/^128-bit vectors: the self-check .* failed \(alloc: no room for /),
    ]);
  });
});
