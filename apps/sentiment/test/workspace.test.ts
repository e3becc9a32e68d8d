import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
  dependencies: Record<string, string>;
};

// vitest transforms what it imports; the demo runs on Node's own type stripping.
test.each(Object.keys(dependencies))('plain Node loads %s from source', (name) => {
  const code = `await import('${name}'); console.log('loaded')`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(out).toBe('loaded\n');
});
