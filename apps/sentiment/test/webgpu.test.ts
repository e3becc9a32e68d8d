/** The models on WebGPU, on whatever adapter there is, and what is said where there is none. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command, models } from './command.ts';

let env: Record<string, string>;

beforeEach(async () => {
  const cache = await mkdtemp(join(tmpdir(), 'ostinato-sentiment-'));
  env = { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache };
});
afterEach(() => rm(env.XDG_CACHE_HOME as string, { recursive: true, force: true }));

await describeOnGpu('webgpu', () => {
  test('each model has the losses that it has on cpu', async () => {
    const on = async (backend: string) =>
      models(await command(`--backend ${backend} --limit 200 --epochs 1 --json`, env));
    const [want, got] = [await on('cpu'), await on('webgpu')];
    expect(got.map(({ cell, backend }) => [cell, backend])).toEqual([
      ['rnn', 'webgpu'],
      ['lstm', 'webgpu'],
      ['gru', 'webgpu'],
    ]);
    const losses = ({ trainLoss, testLoss }: Record<string, unknown>): number[] =>
      [trainLoss, testLoss].flat() as number[];
    for (const [k, model] of got.entries())
      for (const [i, loss] of losses(model).entries())
        expect(Math.abs(loss - (losses(want[k] ?? {})[i] as number))).toBeLessThan(1e-3);
  });
});

// Only on Linux does the environment take a driver away.
test.runIf(process.platform === 'linux')(
  'without a driver it says why, and what to do',
  async () => {
    env.VK_ICD_FILENAMES = '/no/driver.json';
    const { code, stderr } = await command('--backend webgpu --cell rnn --limit 20', env);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatchInlineSnapshot(
      `"sentiment: --backend webgpu: the system has no adapter (no driver, or WebGPU is switched off). Take --backend wasm, or a driver; apps/sentiment/README.md says which"`,
    );
  },
);

test.runIf(process.platform === 'linux')(
  'auto does without a driver, and says nothing',
  async () => {
    env.VK_ICD_FILENAMES = '/no/driver.json';
    const { stdout, stderr } = await command('--cell rnn --epochs 1 --limit 20', env);
    expect(stdout).toMatch(/backend wasm$/m);
    expect(stderr).not.toMatch(/vulkan|vk|webgpu/i);
  },
);
