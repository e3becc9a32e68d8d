/** The packages as published, in a folder of their own: unpacked there with what they depend on, and their types compiled. */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { entriesOf } from './entries.ts';
import type { Package } from './packages.ts';

/** Unpacks the tarballs in `folder` into its node_modules, and links their dependencies from the workspace. */
export function installPacked(packages: readonly Package[], folder: string): void {
  const modules = join(folder, 'node_modules');
  for (const { dir, manifest } of packages) {
    const [tarball] = globSync(join(folder, `ostinato-${basename(dir)}-[0-9]*.tgz`));
    if (!tarball) throw new Error(`${manifest.name} was not packed into ${folder}`);
    const into = join(modules, manifest.name);
    mkdirSync(into, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', into, '--strip-components=1']);
  }
  for (const [name, dir] of foreign(packages)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(resolve(dir, 'node_modules', name), join(modules, name));
  }
}

/** Dependencies from outside, and a folder that has each. */
const foreign = (packages: readonly Package[]): ReadonlyMap<string, string> =>
  new Map(
    packages.flatMap(({ dir, manifest }) =>
      Object.keys(manifest.dependencies ?? {})
        .filter((name) => packages.every((p) => p.manifest.name !== name))
        .map((name) => [name, dir] as const),
    ),
  );

/**
 * Compiles what every entry declares, as someone does who has neither Node's types nor newer ones than ES2022, and checks
 * libraries too.
 */
export function checkPackedTypes(packages: readonly Package[], folder: string): void {
  const entries = entriesOf(packages);
  const lines = entries.map((entry, i) => `export type * as entry${i} from '${entry}';\n`);
  writeFileSync(join(folder, 'entries.mts'), lines.join(''));
  compile(folder, ['entries.mts']);
  // Entries for other compilers than this one refer to what its DOM has, so it is asked only what they read.
  const declared = packages.flatMap(({ manifest: { name, publishConfig } }) =>
    Object.values(publishConfig?.exports ?? {}).flatMap((targets) =>
      Object.entries(targets)
        .filter(([condition]) => condition.startsWith('types'))
        .map(([, file]) => join('node_modules', name, file)),
    ),
  );
  const read = compile(folder, declared, '--listFilesOnly');
  for (const [name, dir] of foreign(packages))
    if (/^@types\/|\/types$/.test(name) && !read.includes(`node_modules/${name}/`))
      throw new Error(`${dir} depends on ${name}, but no published type refers to it`);
  console.log(`types of ${entries.length} entries`);
}

/** Runs tsc on these files of the folder. */
function compile(folder: string, files: readonly string[], ...flags: readonly string[]): string {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const { status, stdout: said } = spawnSync('tsc', ['-p', folder, ...flags], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the published types do not compile:\n${said}`);
  return said;
}
