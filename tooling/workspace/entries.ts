/** What packages export: here from their sources, for users from what these compile to. */
import type { Package } from './packages.ts';

/** What users may import of these packages. */
export const entriesOf = (packages: readonly Package[]): string[] =>
  packages.flatMap(({ manifest: { name, exports = {} } }) =>
    Object.keys(exports)
      .filter((entry) => !entry.endsWith('.json'))
      .map((entry) => name + entry.slice(1)),
  );

/** The published entries must be those of the workspace, or an import works here and fails, or differs, for users. */
export function entryProblems({ dir, manifest: m }: Pick<Package, 'dir' | 'manifest'>): string[] {
  if (m.private) return [];
  const [here, published] = [m.exports ?? {}, m.publishConfig?.exports ?? {}];
  const [ours, theirs] = [here, published].map((entries) => Object.keys(entries).join(' '));
  if (ours !== theirs) return [`${dir}: exports (${ours}) but publishes (${theirs})`];
  return Object.entries(here).flatMap(([entry, source]) => {
    const of = published[entry] as string | Readonly<Record<string, string>>;
    const targets = typeof of === 'string' ? { default: of } : of;
    const wanted = compiledFrom(source);
    // Conditions beside these are for compilers of other versions: their files are written by hand.
    return Object.entries(wanted).flatMap(([condition, file]) =>
      targets[condition] === file
        ? []
        : [`${dir}: publishes ${targets[condition]} as ${condition} of ${entry}, not ${file}`],
    );
  });
}

/** By condition; what is no source is published as it is. */
function compiledFrom(source: string): Readonly<Record<string, string>> {
  const [, path] = /^\.\/src\/(.+)\.ts$/.exec(source) ?? [];
  if (path === undefined) return { default: source };
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` };
}
