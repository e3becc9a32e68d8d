import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { install, reasonOf } from '../harness/install.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const failed = (...stderr: string[]) =>
  reasonOf({ stderr: stderr.join('\n'), message: 'Command failed: npm install\nmore' });

test("where a package's script throws, what it threw is the reason", () => {
  const thrown = 'npm error Error: getaddrinfo ENOTFOUND a.server';
  expect(failed('npm error code 1', 'npm error * Downloading', thrown, 'npm error     at f')).toBe(
    'Error: getaddrinfo ENOTFOUND a.server',
  );
});

test('what Node cannot load says why', () => {
  expect(failed('/a/file.js:1', '    throw e', 'TypeError: f is not a function', '    at g')).toBe(
    'TypeError: f is not a function',
  );
});

test("npm's own failures have a code", () => {
  expect(failed('npm error code ETARGET', 'npm error No matching version')).toBe('ETARGET');
});

test('else it is how the command ended', () => {
  expect(failed()).toBe('Command failed: npm install');
});

test.skipIf(process.platform === 'win32')(
  'two benches that install the same at once: both find all of it, and nothing else is left',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ostinato-install-'));
    try {
      const npm = join(folder, 'bin/npm');
      mkdirSync(dirname(npm));
      writeFileSync(npm, '#!/bin/sh\nsleep 0.2 && mkdir node_modules\n', { mode: 0o755 });
      vi.stubEnv('PATH', dirname(npm) + delimiter + process.env.PATH);
      vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
      vi.spyOn(console, 'error').mockReturnValue();
      const [one, other] = await Promise.all([install('some@1.0.0'), install('some@1.0.0')]);
      expect(one).toBe(other);
      expect(existsSync(join(one, 'node_modules'))).toBe(true);
      expect(readdirSync(dirname(one))).toEqual(['some@1.0.0']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
