/** Several packages may unpack at once: each finds all files, and nothing else is left. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { unpackedChromium } from '../unpack.ts';

const fits = process.platform === 'linux' && process.arch === 'x64';

test.runIf(fits)('two processes at once: one folder with all files', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'ostinato-unpack-'));
  try {
    const script = `import { unpackedChromium } from '../unpack.ts'; console.log(unpackedChromium(process.argv[1]));`;
    const args = ['--input-type=module', '--eval', script, cache];
    const unpack = () => promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    const [a, b] = await Promise.all([unpack(), unpack()]);
    const folder = unpackedChromium(cache);
    expect([a.stdout.trim(), b.stdout.trim()]).toEqual([folder, folder]);
    expect(readdirSync(cache)).toHaveLength(1);
    const files = ['chromium', 'fonts.conf', 'al2023/lib/libnss3.so', 'libvk_swiftshader.so'];
    expect(files.filter((file) => !existsSync(join(folder ?? '', file)))).toEqual([]);
    expect(statSync(join(folder ?? '', 'chromium')).size).toBeGreaterThan(1e8);
    // The clone may be moved with all that is in it, and its path may be no XML.
    expect(readFileSync(join(folder ?? '', 'fonts.conf'), 'utf8')).not.toContain(cache);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});

test.skipIf(fits)('no binaries for this machine: none are offered', () => {
  expect(unpackedChromium()).toBeUndefined();
});
