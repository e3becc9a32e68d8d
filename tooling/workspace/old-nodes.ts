/** The packages as published, on the older versions of Node that they promise. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { arch, env, platform } from 'node:process';
import { entriesOf } from './entries.ts';
import type { Package } from './packages.ts';

/** Each is on PATH, in whichever release, or comes from npm in this one. */
const OLDER = { 20: '20.19.0', 22: '22.23.3' };

function onPath(major: string): string | undefined {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders
    .map((folder) => join(folder, 'node'))
    .find((node) => versionOf(node)?.startsWith(`v${major}.`));
}

function versionOf(node: string): string | undefined {
  try {
    accessSync(node, constants.X_OK);
    return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

function fromNpm(version: string, folder: string): string | undefined {
  const name = `node-${platform}-${arch}`;
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('npm', ['install', '--no-save', '--prefix', folder, `${name}@${version}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    return undefined;
  }
  return join(folder, 'node_modules', name, 'bin', 'node');
}

/** It takes vitest, which runs on newer versions; its cases are an entry of their own. */
const NEWER = '@ostinato/backend-testing';

/**
 * Loads every entry of the packages, which are installed in `from`: a file that is missing in a tarball is noticed there, and
 * by no linter. Then runs the conformance cases. Throws where something fails.
 */
export function checkOnOldNodes(packages: readonly Package[], from: string): void {
  const entries = entriesOf(packages).filter((entry) => entry !== NEWER);
  const script = join(from, 'on-old-node.mjs');
  copyFileSync(join(import.meta.dirname, 'on-old-node.mjs'), script);
  for (const [major, version] of Object.entries(OLDER)) {
    const node = onPath(major) ?? fromNpm(version, join(from, `node-${major}`));
    const found = node && versionOf(node);
    if (!found) {
      console.warn(`SKIPPED: Node ${major} is neither on PATH nor to be had from npm.`);
      continue;
    }
    console.log(`on Node ${found}:`);
    execFileSync(node, [script, ...entries], { stdio: 'inherit' });
  }
}
