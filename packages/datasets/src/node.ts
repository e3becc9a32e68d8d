/** The entry `@ostinato/datasets/node`: what needs files or the network. */
export type { DatasetErrorCode } from './errors.ts';
export { DatasetError } from './errors.ts';
export { type Imdb, type ReadImdbOptions, readImdb } from './node/imdb.ts';
export {
  type ArchiveSource,
  type DownloadImdbOptions,
  downloadImdb,
  IMDB_ARCHIVE,
} from './node/imdb-download.ts';
export type { LabelledText, Review } from './reviews.ts';
