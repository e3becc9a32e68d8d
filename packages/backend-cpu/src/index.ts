/** `@ostinato/backend-cpu`: the plain JavaScript backend. */
export { cpu } from './cpu.ts';
export type { CpuBuffer } from './memory.ts';
