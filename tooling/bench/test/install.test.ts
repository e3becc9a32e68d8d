import { expect, test } from 'vitest';
import { reasonOf } from '../harness/install.ts';

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
