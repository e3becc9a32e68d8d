// How many bytes of this library a page loads: bundled, minified, gzipped.
//   node tooling/workspace/check-size.ts            check (part of `pnpm check`)
//   node tooling/workspace/check-size.ts --modules  and what is in it, largest files first
import { relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/**
 * Gzipped bytes: what a page may load, and what we aim at; `null` is told, and not held to anything. The aim for the
 * streaming page is not reached: what is left are passes and kernels that it runs, so the next step is less code.
 */
const PAGES: Readonly<Record<string, { most: number | null; aim: number | null }>> = {
  core: { most: null, aim: null },
  'core-and-cpu': { most: null, aim: null },
  streaming: { most: 52_000, aim: 40_000 },
};

interface Size {
  readonly minified: number;
  readonly gzipped: number;
  /** Bytes of each source before minifying, without what the bundler left out. */
  readonly modules: readonly (readonly [file: string, bytes: number])[];
}

async function sizeOf(page: string): Promise<Size> {
  const input = `tooling/workspace/size/${page}.ts`;
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'warn' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const chunks = new Map(output.flatMap((o) => (o.type === 'chunk' ? [[o.fileName, o]] : [])));
  /** What the page loads to start; what is imported dynamically waits until it is wanted. */
  const loaded = new Set([output[0]]);
  for (const chunk of loaded)
    for (const file of chunk.imports) {
      const next = chunks.get(file);
      if (!next) throw new Error(`${page}: imports ${file}, which is not bundled`);
      loaded.add(next);
    }
  const sum = (of: (code: string) => number): number =>
    [...loaded].reduce((total, { code }) => total + of(code), 0);
  const modules = [...loaded].flatMap((chunk) =>
    Object.entries(chunk.modules).map(
      ([file, { renderedLength }]) => [relative('.', file), renderedLength] as const,
    ),
  );
  return {
    minified: sum((code) => Buffer.byteLength(code)),
    gzipped: sum((code) => gzipSync(code, { level: 9 }).length),
    modules: modules.filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a),
  };
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

for (const [page, { most, aim }] of Object.entries(PAGES)) {
  const { minified, gzipped, modules } = await sizeOf(page);
  const limit = most === null ? '' : `, at most ${kB(most)}`;
  console.log(`${page.padEnd(14)} ${kB(gzipped)} gzipped${limit} (${kB(minified)} minified)`);
  if (process.argv.includes('--modules'))
    for (const [file, bytes] of modules) console.log(`  ${kB(bytes).padStart(8)}  ${file}`);
  if (aim !== null && gzipped > aim)
    console.log(`  NOT YET at its aim of ${kB(aim)}: ${kB(gzipped - aim)} to go`);
  if (most !== null && gzipped > most) {
    console.error(`${page}: over by ${gzipped - most} bytes. See what grew with --modules.`);
    process.exitCode = 1;
  }
}
