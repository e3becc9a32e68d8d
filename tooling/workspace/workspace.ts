// Holds the workspace to its tables: layers, imports, cycles, entries, tsconfig references.
//   node tooling/workspace/workspace.ts          check (part of `pnpm lint`)
//   node tooling/workspace/workspace.ts --write  rewrite the references too
import { existsSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { boundaryProblems, CORE, cycleIn, LAYERS } from './boundaries.ts';
import { entryProblems } from './entries.ts';
import { listPackages, type Manifest, type Package, readJson } from './packages.ts';

const write = process.argv.includes('--write');
const packages = listPackages();

/** Packages of this workspace that the given tables of a manifest name, in order of their folders. */
function locals(m: Manifest, ...kinds: (keyof Manifest & `${string}ependencies`)[]): Package[] {
  const names = new Set(kinds.flatMap((kind) => Object.keys(m[kind] ?? {})));
  return packages.filter((p) => names.has(p.manifest.name));
}
const runtime = (p: Package): Package[] =>
  locals(p.manifest, 'dependencies', 'optionalDependencies', 'peerDependencies');
const all = (p: Package): Package[] => [
  ...new Set([...runtime(p), ...locals(p.manifest, 'devDependencies')]),
];

function dependencyProblems(p: Package): string[] {
  const row = LAYERS[p.layer];
  if (!row) return [`${p.dir}: unknown layer "${p.layer}"`];
  return runtime(p)
    .filter((dep) => !(dep.layer in row))
    .map((dep) => `${p.dir} (${p.layer}) must not depend on ${dep.dir} (${dep.layer})`);
}

function cycleProblems(): string[] {
  const tables = {
    'table LAYERS': Object.fromEntries(Object.entries(LAYERS).map(([k, v]) => [k, Object.keys(v)])),
    'table CORE': CORE,
    // devDependencies count: turbo orders tasks by them too
    'package.json files': Object.fromEntries(
      packages.map((p) => [p.manifest.name, all(p).map((dep) => dep.manifest.name)]),
    ),
  };
  return Object.entries(tables).flatMap(([what, table]) => {
    const cycle = cycleIn(table);
    return cycle ? [`${what}: cycle ${cycle.join(' -> ')}`] : [];
  });
}

/** A package is one TypeScript project, or two where a Node-only entry is compiled apart. */
function projectsOf(p: Package): string[] {
  const node = `${p.dir}/tsconfig.node.json`;
  return existsSync(node) ? [p.dir, node] : [p.dir];
}

function referenceProblems(file: string, targets: readonly string[]): string[] {
  const from = file.slice(0, file.lastIndexOf('/') + 1) || '.';
  const references = targets.map((target) => {
    const path = relative(from, target);
    return { path: path === '' ? '.' : path.startsWith('.') ? path : `./${path}` };
  });
  const json = readJson<{ references?: readonly { path: string }[] }>(file);
  if (JSON.stringify(json.references ?? []) === JSON.stringify(references)) return [];
  if (!write)
    return [`${file}: references differ from package.json (\`pnpm lint:fix\` writes them)`];
  writeFileSync(file, `${JSON.stringify({ ...json, references }, null, 2)}\n`);
  return [];
}

function tsconfigProblems(): string[] {
  const solution: string[] = [];
  const problems = packages.flatMap((p) => {
    const [main, ...node] = projectsOf(p) as [string, ...string[]];
    const below = runtime(p).flatMap(projectsOf);
    // A package without src/ is tests and scripts only: one project, which sees the devDependencies.
    const single = !existsSync(`${p.dir}/src`);
    const test = `${p.dir}/tsconfig.test.json`;
    const seen = all(p).flatMap(projectsOf);
    solution.push(main, ...node);
    const found = referenceProblems(`${main}/tsconfig.json`, single ? seen : below);
    for (const file of node) found.push(...referenceProblems(file, [main, ...below]));
    if (!existsSync(test)) return found;
    solution.push(test);
    return [...found, ...referenceProblems(test, [main, ...node, ...seen])];
  });
  return [...problems, ...referenceProblems('tsconfig.json', solution)];
}

const problems = [
  ...packages.flatMap(dependencyProblems),
  ...packages.flatMap(entryProblems),
  ...cycleProblems(),
  ...boundaryProblems(packages),
  ...tsconfigProblems(),
];
for (const problem of problems) console.error(problem);
if (problems.length === 0)
  console.log(`workspace: ${packages.length} packages keep the boundaries`);
process.exitCode = problems.length > 0 ? 1 : 0;
