/** The entry `@ostinato/datasets`: all that works on host arrays alone, in any runtime. */
export {
  type BagOfWordsOptions,
  type BagOfWordsResult,
  bagOfWordsBaseline,
} from './bag-of-words.ts';
export {
  type BatchOptions,
  batches,
  type RowBatch,
  type TakeRowsOptions,
  takeRows,
} from './batches.ts';
export { DatasetError, type DatasetErrorCode } from './errors.ts';
export type { HostArray, HostData } from './host-array.ts';
export {
  bucketLength,
  type LengthBucket,
  lengthBuckets,
  lengthLadder,
} from './length-buckets.ts';
export {
  type PaddedSequences,
  type Padding,
  type PadOptions,
  paddingMask,
  padSequences,
  type Side,
} from './pad.ts';
export {
  type EncodedSplits,
  type EncodedTexts,
  encodeSplits,
  type LabelledText,
  type Review,
} from './reviews.ts';
export { randomSubset, rotatingStratum, stratifiedSubset } from './sampling.ts';
export {
  type SentimentCorpus,
  type SentimentCorpusOptions,
  sentimentCorpus,
} from './sentiment-corpus.ts';
export { type TrainValidationSplit, trainValidationSplit } from './split.ts';
export {
  buildVocabulary,
  KERAS_FILTERS,
  type ReviewIdOptions,
  reviewIdsToText,
  type SplitOptions,
  splitWords,
  type TokenizerOptions,
  textsToReviewIds,
  textsToSequences,
  type Vocabulary,
} from './vocabulary.ts';
