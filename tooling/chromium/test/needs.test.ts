/** What happens where something is missing: the tests are skipped, visibly, or fail where it is required. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const manifest = createRequire(import.meta.url).resolve('vitest/package.json');
const vitest = join(dirname(manifest), 'vitest.mjs');

function runWithoutChromium(env: Record<string, string>): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run'], {
    cwd: join(import.meta.dirname, 'without-chromium'),
    env: { ...process.env, NO_COLOR: '1', ...env, OSTINATO_CHROMIUM: 'none' },
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

test('no Chromium: skipped, and said so', () => {
  const { status, said } = runWithoutChromium({ OSTINATO_REQUIRE_BROWSER: '' });
  expect(status).toBe(0);
  expect(said).toContain('SKIPPED: a page: no Chromium.');
  expect(said).toMatch(/1 passed \| 1 skipped/);
});

test('no Chromium where one is required: failed', () => {
  const { status, said } = runWithoutChromium({ OSTINATO_REQUIRE_BROWSER: '1' });
  expect(status).toBe(1);
  expect(said).toContain('Error: no Chromium.');
});
