/** A page of size/ as a site ships it: bundled and minified. Knows no limit. */
import { SourceMap } from 'node:module';
import { relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

export interface Chunk {
  readonly code: string;
  /** The source of a character, as a path from here. */
  sourceOf(line: number, column: number): string;
}

export interface Page {
  /** What it loads to start, in one file, but for a line that imports this. */
  readonly chunk: Chunk;
  /** The names of the file that starts it, and of that one where it is another. */
  readonly loaded: readonly string[];
  /** By name, with what is imported dynamically and waits until it is wanted. */
  readonly files: ReadonlyMap<string, string>;
}

export async function bundlePage(page: string): Promise<Page> {
  const input = `tooling/workspace/size/${page}.ts`;
  const bundle = await rolldown({
    input,
    cwd: resolve(import.meta.dirname, '../..'),
    platform: 'browser',
    logLevel: 'warn',
  });
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
  return {
    chunk: { code: chunk.code, sourceOf },
    loaded: [...new Set([entry.fileName, name])],
    files: new Map(output.flatMap((o) => (o.type === 'chunk' ? [[o.fileName, o.code]] : []))),
  };
}
