/** Threads: whether there are any, which work they share, and who leads them. Loaded where memory can be shared. */
export { chooseThreads } from './choose.ts';
