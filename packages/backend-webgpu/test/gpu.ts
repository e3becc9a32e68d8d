/** The adapter that tests compute on, or the reason why there is none: tests then are skipped, and say so. */
import { describe, test } from 'vitest';
import { type WebGpuBackend, type WebGpuOptions, webgpu } from '../src/index.ts';

export const open = (options: WebGpuOptions = {}): Promise<WebGpuBackend> =>
  webgpu({ allowSoftware: true, ...options });

const missing = await open().then(
  (backend) => backend.dispose(),
  (error: Error) => error.message,
);

/** Declares tests that need an adapter. With REQUIRE_GPU in the environment, a missing one is a failure. */
export function withGpu(name: string, declare: () => void): void {
  if (missing === undefined) describe(name, declare);
  else if (process.env.REQUIRE_GPU)
    test(`${name}: an adapter`, () => {
      throw new Error(missing);
    });
  else test.skip(`${name} (${missing})`, () => undefined);
}
