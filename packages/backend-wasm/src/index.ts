/** `@ostinato/backend-wasm`: WebAssembly SIMD, generated at run time. */
export { type WasmOptions, wasm } from './backend.ts';
export type { WasmBuffer } from './memory.ts';
