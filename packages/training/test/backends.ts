/** The backends that the tests of this package run on. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { type WebGpuBackend, type WebGpuOptions, webgpu } from '@ostinato/backend-webgpu';
import { reference } from '@ostinato/core/backend';
import { gpuComputes } from '@ostinato/software-gpu/vitest';
import type { Backend } from '../src/backend.ts';

/** Whether WebGPU computes here. */
export const hasGpu = await gpuComputes();

export const openGpu = (options: WebGpuOptions = {}): Promise<WebGpuBackend> =>
  webgpu({ allowSoftware: true, ...options });

// Kernels take a GPU in software long, so that a file compiles them on one device.
const devices = hasGpu ? [await openGpu()] : [];

/** One thread: what is tested here is training, and workers would take longer to start than a test does. */
const onWasm = await wasm({ threads: 1 });

/** Each test makes a backend, and counts what it leaves behind there. */
export const backends: readonly (readonly [name: string, create: () => Backend])[] = [
  ['reference', () => reference() as Backend],
  ['cpu', () => cpu() as Backend],
  ['wasm', () => ({ ...onWasm }) as Backend],
  ...devices.map((device) => ['webgpu', () => ({ ...device }) as Backend] as const),
];
