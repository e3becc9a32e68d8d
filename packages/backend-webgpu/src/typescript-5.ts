/** The entry as TypeScript 5 reads it, whose DOM has no WebGPU. Later ones have it, and these types would clash with theirs. */
/// <reference types="@webgpu/types" preserve="true" />
export * from './index.ts';
