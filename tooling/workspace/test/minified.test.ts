/**
 * terser, as webpack runs it, goes over the code twice and leaves out more than other minifiers: it took a variable that
 * only a closure sets for one that always is. What is bundled and minified so must compute what the sources do.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { minify } from 'terser';
import { expect, test } from 'vitest';

const input = join(import.meta.dirname, 'minified-steps.ts');

async function minified(): Promise<string> {
  const bundle = await rolldown({ input, platform: 'node', logLevel: 'warn' });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  const { code } = await minify(output[0].code, { module: true, compress: { passes: 2 } });
  return code as string;
}

const run = (script: string): number[][] =>
  JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' }));

test('a bundle that terser minified in two passes computes what the sources do', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'minified-'));
  try {
    const script = join(dir, 'steps.mjs');
    await writeFile(script, await minified());
    const [wasm = [], cpu = []] = run(script);
    expect([wasm, cpu]).toEqual(run(input));
    // Both backends compute in float32, one of them with fused multiply-adds.
    for (const [i, x] of wasm.entries()) expect(x).toBeCloseTo(cpu[i] as number, 5);
    expect(wasm[2]).toBeLessThan(wasm[0] as number);
  } finally {
    await rm(dir, { recursive: true });
  }
}, 60_000);
