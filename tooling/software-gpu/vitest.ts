/** For tests that compute on a GPU, or that let Dawn judge a kernel, which needs none. */
import { describeNeeding } from '@ostinato/chromium/vitest';
import { whyNoGpu } from './dawn.ts';

export { dawn, validateWgsl } from './dawn.ts';

/** `await` it at the top of a test file: `describe` where Dawn computes. REQUIRE_GPU=1 forbids to skip it. */
export async function describeOnGpu(title: string, tests: () => void): Promise<void> {
  const need = { missing: await whyNoGpu(), requiredBy: 'REQUIRE_GPU' };
  describeNeeding(need, title, tests);
}
