/** For tests that compute on a GPU, or that let Dawn judge a kernel, which needs none. */
import { describeNeeding } from '@ostinato/chromium/vitest';
import { test } from 'vitest';
import { whyNoGpu } from './dawn.ts';

export { dawn, dawnSeen, validateWgsl } from './dawn.ts';
export { type NullGpu, nullGpu } from './null-gpu.ts';

/** `await` it at the top of a test file: `describe` where Dawn computes. REQUIRE_GPU=1 forbids to skip it. */
export async function describeOnGpu(title: string, tests: () => void): Promise<void> {
  const need = { missing: await whyNoGpu(), requiredBy: 'REQUIRE_GPU' };
  describeNeeding(need, title, tests);
}

/**
 * Whether Dawn computes here: for tables of backends that tests run on. Where it does not, one test is skipped and says why,
 * or fails with REQUIRE_GPU=1.
 */
export async function gpuComputes(): Promise<boolean> {
  if ((await whyNoGpu()) === undefined) return true;
  await describeOnGpu('on a GPU', () => test('the same', () => undefined));
  return false;
}
