/** What functions here take as a backend: whatever `compile` takes. */
import type { compile } from '@ostinato/core';

/** What `cpu()`, `await wasm()` and `await webgpu()` return. */
export type Backend = Parameters<typeof compile>[0];
