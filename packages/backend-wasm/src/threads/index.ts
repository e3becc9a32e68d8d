/** Threads: whether there are any, which work they share, and the workers. Loaded where memory can be shared. */
export { noThreads, parallelism } from './host.ts';
export { partsOf } from './parts.ts';
export { openPool } from './pool.ts';
