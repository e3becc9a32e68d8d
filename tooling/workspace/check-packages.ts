// Packs every public package as it would be published, lints the tarballs, compiles their types, and runs them on an
// older Node. Needs dist (`tsc -b`).
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkOnOldNodes } from './old-nodes.ts';
import { listPackages } from './packages.ts';
import { checkPackedTypes, installPacked } from './packed.ts';

const packages = listPackages().filter((p) => !p.manifest.private);

const out = mkdtempSync(join(tmpdir(), 'pack-'));
try {
  for (const { dir, manifest } of packages) {
    execFileSync('pnpm', ['pack', '--pack-destination', out], { cwd: dir, stdio: 'ignore' });
    console.log(manifest.name);
  }
  for (const tarball of globSync(join(out, '*.tgz')).sort()) {
    execFileSync('publint', ['run', '--strict', tarball], { stdio: 'inherit' });
    execFileSync('attw', ['--profile', 'esm-only', '--format', 'ascii', '--quiet', tarball], {
      stdio: 'inherit',
    });
  }
  installPacked(packages, out);
  checkPackedTypes(packages, out);
  checkOnOldNodes(packages, out);
} finally {
  rmSync(out, { recursive: true, force: true });
}
