import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const examples = readdirSync(root).filter((f) => f.endsWith('.ts') && f !== 'vitest.config.ts');

// Types are checked by `tsc -b`; here each file runs as a reader would run it.
describe('examples', () => {
  if (examples.length === 0) test.todo('the first example');
  test.each(examples)('%s runs and prints something', async (file) => {
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
    expect(stdout.trim()).not.toBe('');
  });
});

test('the README shows the quick start as it is', () => {
  const readme = readFileSync(`${root}/../README.md`, 'utf8');
  expect(readme).toContain(readFileSync(`${root}/quick-start.ts`, 'utf8'));
});
