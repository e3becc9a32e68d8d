/** `@ostinato/backend-webgpu`: WGSL rendered from programs, for browsers and for Node. */
export { type WebGpuBackend, webgpu } from './backend.ts';
export type { GpuBuffer } from './memory.ts';
export type { WebGpuOptions } from './options.ts';
export type { Timing } from './profiler.ts';
