/** Who may import whom, as two tables, and the import scan that holds sources to them. Knows no tsconfig. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Package } from './packages.ts';

/** Entries of a package that a layer may import; ANY stands for all of them. */
type Entries = readonly string[];
const ANY: Entries = ['*'];

const PUBLISHED: Readonly<Record<string, Entries>> = {
  core: ANY,
  backend: ANY,
  testing: ANY,
  cells: ANY,
  layers: ANY,
  training: ANY,
  datasets: ANY,
};

/** Sources of a layer may import the listed layers, through the listed entries only. */
export const LAYERS: Readonly<Record<string, Readonly<Record<string, Entries>>>> = {
  core: {},
  backend: { core: ['./backend'] }, // a backend sees no Tensor and no gradient
  testing: { core: ['.', './backend'] },
  cells: { core: ['.'] },
  layers: { core: ['.'], cells: ['.'] },
  training: { core: ['.', './random'], datasets: ['.'] }, // batches and splits of host arrays
  datasets: { core: ['./random'] }, // host arrays, no tensors
  app: PUBLISHED,
  tool: PUBLISHED,
};

/** Rooms of packages/core/src (a folder, or a file beside the folders) and the rooms each may import. */
export const CORE: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  random: ['errors'],
  ir: ['errors'],
  graph: ['errors', 'ir'],
  ops: ['errors', 'ir', 'graph', 'random'],
  passes: ['errors', 'ir', 'graph', 'ops'],
  backend: ['errors', 'ir'],
  trace: ['errors', 'random', 'ir', 'graph', 'ops', 'passes', 'backend'],
  autograd: ['errors', 'ir', 'graph', 'ops', 'trace'],
  ndarray: ['errors', 'ir', 'graph', 'trace'],
  index: ['errors', 'random', 'ir', 'graph', 'ops', 'passes', 'backend', 'trace', 'autograd'],
};

/** Strings, for a pattern of files in one may have what else begins a comment, and comments. */
const STRING_OR_COMMENT =
  /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** Module specifiers of a source text: import, export from, dynamic import. Comments do not count. */
export function importsOf(source: string): string[] {
  const code = source.replace(STRING_OR_COMMENT, (_, string?: string) => string ?? '');
  const pattern = /\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g;
  return [...code.matchAll(pattern)].map((match) => match[2] as string);
}

/** The first cycle in a table of "name: names it may reach", as a path, or null. */
export function cycleIn(table: Readonly<Record<string, readonly string[]>>): string[] | null {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return null;
    for (const next of table[name] ?? []) {
      const found = visit(next, [...path, name]);
      if (found) return found;
    }
    done.add(name);
    return null;
  };
  for (const name of Object.keys(table)) {
    const found = visit(name, []);
    if (found) return found;
  }
  return null;
}

/** What is wrong with importing `specifier` from a package of `layer`, or null. */
export function layerProblem(
  layer: string,
  specifier: string,
  layerOf: ReadonlyMap<string, string>,
): string | null {
  const [scope, short, ...rest] = specifier.split('/');
  const target = layerOf.get(`${scope}/${short}`);
  if (target === undefined) return null; // not of this workspace: the package manager decides
  const entry = rest.length > 0 ? `./${rest.join('/')}` : '.';
  const allowed = LAYERS[layer]?.[target] ?? [];
  if (allowed === ANY || allowed.includes(entry)) return null;
  const may = allowed.length > 0 ? `only its ${allowed.join(', ')}` : 'nothing from it';
  return `imports ${specifier}: layer "${layer}" may import ${may}`;
}

/** What is wrong with one room of core importing another, or null. */
export function coreProblem(from: string, to: string): string | null {
  if (from === to) return null;
  const allowed = CORE[from];
  if (!allowed) return `"${from}" has no row in the table CORE (tooling/workspace/boundaries.ts)`;
  if (allowed.includes(to)) return null;
  return `imports ${to}/: ${from}/ may import ${allowed.join(', ') || 'nothing'}`;
}

/** Every import in every package's src that the tables do not allow. */
export function boundaryProblems(packages: readonly Package[]): string[] {
  const layerOf = new Map(packages.map((p) => [p.manifest.name, p.layer]));
  return packages.flatMap((p) =>
    globSync(`${p.dir}/src/**/*.ts`)
      .sort()
      .flatMap((file) => {
        const specifiers = importsOf(readFileSync(file, 'utf8'));
        const found = specifiers.map((s) => layerProblem(p.layer, s, layerOf));
        if (p.layer === 'core') found.push(...coreProblems(`${p.dir}/src`, file, specifiers));
        return found.flatMap((problem) => (problem ? [`${file}: ${problem}`] : []));
      }),
  );
}

function coreProblems(src: string, file: string, specifiers: readonly string[]): (string | null)[] {
  return specifiers
    .filter((s) => s.startsWith('.'))
    .map((s) => coreProblem(roomOf(src, file), roomOf(src, join(dirname(file), s))));
}

/** packages/core/src/ir/view.ts is in room `ir`, packages/core/src/errors.ts is room `errors`. */
function roomOf(src: string, file: string): string {
  const [room = ''] = relative(src, file).split('/');
  return room.replace(/\.ts$/, '');
}
