import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { choose } from '../demo.ts';

test.each([
  [[], { app: 'sentiment', rest: [] }],
  [['--epochs', '1'], { app: 'sentiment', rest: ['--epochs', '1'] }],
  [['--', '--epochs', '1'], { app: 'sentiment', rest: ['--epochs', '1'] }],
  [['music', '--bars', '8'], { app: 'music', rest: ['--bars', '8'] }],
])('%j', (args, chosen) => {
  expect(choose(args)).toEqual(chosen);
});

test('an unknown app is one clear line and exit code 2', () => {
  const main = new URL('../demo.ts', import.meta.url).pathname;
  const { status, stderr } = spawnSync(process.execPath, [main, 'nope'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^demo: no app "nope"\. Apps: .+\n$/);
});
