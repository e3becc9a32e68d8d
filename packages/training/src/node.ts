/** `@ostinato/training/node`: checkpoints in files. */
export { fileStore } from './node/file-store.ts';
