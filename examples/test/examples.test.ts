import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** What each says, and so what it shows. */
const says: Readonly<Record<string, RegExp>> = {
  // The row of 6 steps in a batch and as a stream: the same numbers.
  'forward.ts': /row of 6 steps: (.+)\n[\s\S]*the same row: +\1\n/,
  'own-backend.ts': /tanh [^-]*-0\.76\d+,\s+0,\s+0\.76\d+,\s+0\.96\d+/,
  'own-cell.ts': /step 300: loss 0\.00/,
  'quick-start.ts': /epoch 8: loss .*\nright on held-back sentences: (0\.9|1)/,
};

// Types are checked by `tsc -b`; here each file runs as a reader would run it.
const examples = readdirSync(root).filter((f) => f.endsWith('.ts') && f !== 'vitest.config.ts');
test.each(examples)('%s runs and shows what it is about', async (file) => {
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
  expect(stdout).toMatch(says[file] ?? /no pattern for this one/);
});

test('the README shows the quick start as it is', () => {
  const readme = readFileSync(`${root}/../README.md`, 'utf8');
  expect(readme).toContain(readFileSync(`${root}/quick-start.ts`, 'utf8'));
});
