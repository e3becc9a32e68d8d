// How many bytes of this library a page loads: bundled, minified, gzipped.
//   node tooling/workspace/check-size.ts            check (part of `pnpm check`)
//   node tooling/workspace/check-size.ts --modules  and what each source adds to them, the most first
import { gzipSync } from 'node:zlib';
import { bundlePage, type Chunk } from './size-page.ts';

/** Gzipped bytes that a page may load; `null` is told, and not held to anything. */
const PAGES: Readonly<Record<string, number | null>> = {
  core: null,
  'core-and-cpu': null,
  streaming: 40_000,
};

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

for (const [page, most] of Object.entries(PAGES)) {
  const { chunk, loaded, files } = await bundlePage(page);
  const scripts = loaded.map((name) => files.get(name) as string);
  const bytes = scripts.reduce((sum, code) => sum + gzipped(code), 0);
  const minified = scripts.reduce((sum, code) => sum + code.length, 0);
  const limit = most === null ? '' : `, at most ${kB(most)}`;
  console.log(`${page.padEnd(14)} ${kB(bytes)} gzipped${limit} (${kB(minified)} minified)`);
  if (process.argv.includes('--modules'))
    for (const { file, minified, adds } of modulesOf(chunk))
      console.log(`${kB(adds).padStart(10)} ${kB(minified).padStart(10)} minified  ${file}`);
  if (most !== null && bytes > most) {
    console.error(`${page}: over by ${bytes - most} bytes. See what grew with --modules.`);
    process.exitCode = 1;
  }
}
