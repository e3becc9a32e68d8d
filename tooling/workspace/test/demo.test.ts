import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { choose, lacksDriver } from '../demo.ts';

const demo = join(import.meta.dirname, '../demo.ts');

test.each([
  [[], { app: 'sentiment', rest: [] }],
  [['--epochs', '1'], { app: 'sentiment', rest: ['--epochs', '1'] }],
  [['--', '--epochs', '1'], { app: 'sentiment', rest: ['--epochs', '1'] }],
  [['music', '--bars', '8'], { app: 'music', rest: ['--bars', '8'] }],
])('%j', (args, chosen) => {
  expect(choose(args)).toEqual(chosen);
});

test('an unknown app is one clear line and exit code 2', () => {
  const { status, stderr } = spawnSync(process.execPath, [demo, 'nope'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^demo: no app "nope"\. Apps: .+\n$/);
});

test('a clone may lie in a folder of any name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostinato Übung [1] 100% '));
  for (const dir of ['tooling/workspace', 'apps/some/src'])
    mkdirSync(join(folder, dir), { recursive: true });
  copyFileSync(demo, join(folder, 'tooling/workspace/demo.ts'));
  writeFileSync(join(folder, 'apps/some/src/main.ts'), 'console.log(process.argv[2])');
  const args = [join(folder, 'tooling/workspace/demo.ts'), 'some', 'started'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'started\n', stderr: '' });
  rmSync(folder, { recursive: true });
});

test('a GPU in software stands in where webgpu is asked for by name and no driver is installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostinato-drivers-'));
  const asked = [
    ['--epochs', '1', '--backend', 'webgpu'],
    ['--backend=webgpu', '--json'],
  ];
  for (const rest of asked) expect(lacksDriver(rest, [folder])).toBe(true);
  for (const rest of [[], ['--backend', 'wasm'], ['--backend', 'webgpu2']])
    expect(lacksDriver(rest, [folder])).toBe(false);
  mkdirSync(join(folder, 'vulkan/icd.d'), { recursive: true });
  writeFileSync(join(folder, 'vulkan/icd.d/some.json'), '{}');
  for (const rest of asked) expect(lacksDriver(rest, [folder])).toBe(false);
  rmSync(folder, { recursive: true });
});
