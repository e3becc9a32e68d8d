/** The packages of this workspace, read from their manifests. Everything here runs from the repository's root. */
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly publishConfig?: {
    /** A file, or one per condition. */
    readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly ostinato?: { readonly layer: string };
}

export interface Package {
  readonly dir: string;
  readonly layer: string;
  readonly manifest: Manifest;
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

export function listPackages(): Package[] {
  return globSync(['{packages,apps,tooling}/*/package.json', 'examples/package.json'])
    .sort()
    .map((file) => {
      const dir = dirname(file);
      const manifest = readJson<Manifest>(file);
      return { dir, manifest, layer: layerOf(dir, manifest) };
    });
}

function layerOf(dir: string, manifest: Manifest): string {
  if (dir.startsWith('apps/') || dir === 'examples') return 'app';
  if (dir.startsWith('tooling/')) return 'tool';
  return manifest.ostinato?.layer ?? '?';
}
