// How many bytes of this library a page loads: bundled, minified, gzipped.
//   node tooling/workspace/check-size.ts            check (part of `pnpm check`)
//   node tooling/workspace/check-size.ts --modules  and what each source adds to them, the most first
import { SourceMap } from 'node:module';
import { relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/** Gzipped bytes that a page may load, and at which we aim; `null` is told, and not held to anything. */
const PAGES: Readonly<Record<string, { most: number | null; aim: number | null }>> = {
  core: { most: null, aim: null },
  'core-and-cpu': { most: null, aim: null },
  streaming: { most: 52_000, aim: 40_000 },
};

interface Chunk {
  readonly code: string;
  /** The source of a character, as a path from here. */
  sourceOf(line: number, column: number): string;
}

/**
 * What a page loads to start, in one file, as a site ships it. What is imported dynamically waits until it is wanted;
 * that a stream wants none of it is a test of tooling/browser.
 */
async function chunkOf(page: string): Promise<Chunk> {
  const input = `tooling/workspace/size/${page}.ts`;
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'warn' });
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    comments: false,
    sourcemap: 'hidden',
    codeSplitting: { groups: [{ name: 'page', tags: ['$initial'] }] },
  });
  await bundle.close();
  const [entry] = output;
  const name = entry.imports[0] ?? entry.fileName;
  const chunk = output.find((o) => o.fileName === name);
  if (entry.imports.length > 1 || chunk?.type !== 'chunk' || !chunk.map)
    throw new Error(`${page}: starts from ${entry.imports.join(' and ')}, not from one file`);
  const map = new SourceMap({ ...chunk.map, version: 3, file: name, sourceRoot: '' });
  const sourceOf = (line: number, column: number): string => {
    const at = map.findEntry(line, column);
    return 'originalSource' in at ? relative('.', resolve('dist', at.originalSource)) : '';
  };
  return { code: chunk.code, sourceOf };
}

const gzipped = (code: string): number => gzipSync(code, { level: 9 }).length;

/** Of each source, its minified bytes and by how many the gzipped page is less without them. */
function modulesOf({ code, sourceOf }: Chunk): { file: string; minified: number; adds: number }[] {
  const characters = code
    .split('\n')
    .flatMap((text, line) =>
      Array.from(text, (character, column) => ({ character, file: sourceOf(line, column) })),
    );
  const whole = gzipped(code);
  return [...new Set(characters.map(({ file }) => file))]
    .map((file) => {
      const rest = characters.filter((c) => c.file !== file).map(({ character }) => character);
      const minified = characters.length - rest.length;
      return { file, minified, adds: whole - gzipped(rest.join('')) };
    })
    .sort((a, b) => b.adds - a.adds);
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

for (const [page, { most, aim }] of Object.entries(PAGES)) {
  const chunk = await chunkOf(page);
  const bytes = gzipped(chunk.code);
  const limit = most === null ? '' : `, at most ${kB(most)}`;
  console.log(
    `${page.padEnd(14)} ${kB(bytes)} gzipped${limit} (${kB(chunk.code.length)} minified)`,
  );
  if (process.argv.includes('--modules'))
    for (const { file, minified, adds } of modulesOf(chunk))
      console.log(`${kB(adds).padStart(10)} ${kB(minified).padStart(10)} minified  ${file}`);
  if (aim !== null && bytes > aim)
    console.log(`  NOT YET at its aim of ${kB(aim)}: ${kB(bytes - aim)} to go`);
  if (most !== null && bytes > most) {
    console.error(`${page}: over by ${bytes - most} bytes. See what grew with --modules.`);
    process.exitCode = 1;
  }
}
