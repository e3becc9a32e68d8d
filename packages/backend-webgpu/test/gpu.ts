/** Backends for tests: on a software adapter too. */
import { type WebGpuBackend, type WebGpuOptions, webgpu } from '../src/index.ts';

export const open = (options: WebGpuOptions = {}): Promise<WebGpuBackend> =>
  webgpu({ allowSoftware: true, ...options });
