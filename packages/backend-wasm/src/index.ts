/** `@ostinato/backend-wasm`. */
export type { Target } from './target.ts';
