/** The packages as published, on the oldest Node that they promise. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, copyFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A Node that OSTINATO_OLD_NODE names, or the first of version 20 or 22 on PATH. */
function findOldNode(): string | undefined {
  const named = process.env.OSTINATO_OLD_NODE;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'node')).find((node) => isOld(node));
}

function isOld(node: string): boolean {
  try {
    accessSync(node, constants.X_OK);
    return /^v(20|22)\./.test(execFileSync(node, ['--version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

/** Runs the conformance cases on the packages that are installed in `from`. Throws where one fails. */
export function checkOnOldNode(from: string): void {
  const node = findOldNode();
  if (!node) {
    console.warn('SKIPPED: no Node 20 or 22 on PATH, so the packages ran on none that is older.');
    console.warn('Put one on PATH or name it in OSTINATO_OLD_NODE.');
    return;
  }
  const script = join(from, 'on-old-node.mjs');
  copyFileSync(join(import.meta.dirname, 'on-old-node.mjs'), script);
  console.log(`on Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}:`);
  execFileSync(node, [script], { stdio: 'inherit' });
}
