/**
 * What a labelled review is, and how a review and a set of them are made ready for a model. Knows no file: reading is
 * in node/imdb.ts.
 */
import { checkOptions } from './errors.ts';
import {
  buildVocabulary,
  type ReviewIdOptions,
  type SplitOptions,
  textsToReviewIds,
  type Vocabulary,
} from './vocabulary.ts';

/** A text and what it says: 1 is positive, 0 is negative. */
export interface LabelledText {
  readonly text: string;
  readonly label: 0 | 1;
}

export interface Review extends LabelledText {
  /** Stars, 1 to 10. */
  readonly rating: number;
  /** Class and number within it, "pos/6524". */
  readonly id: string;
}

export interface EncodedTexts {
  /** One array of ids for each text; `padSequences` makes a rectangle of them. */
  readonly sequences: number[][];
  /** [n], 0 or 1. */
  readonly labels: Float32Array;
}

export interface EncodedSplits {
  /** Ranked on the training texts alone, as in Keras. */
  readonly vocabulary: Vocabulary;
  readonly train: EncodedTexts;
  readonly test: EncodedTexts;
}

/**
 * Labelled texts as `keras.datasets.imdb.load_data` gives them: words ranked on the training texts, then ids by the
 * rules of `textsToReviewIds`. Keras also shuffles (seed 113); here the order stays, because readers give mixed orders.
 *
 * @param texts training and test texts
 * @param options those of `load_data`, and how texts are split
 * @throws DatasetError `argument-invalid`
 */
export function encodeSplits(
  texts: { readonly train: readonly LabelledText[]; readonly test: readonly LabelledText[] },
  options: ReviewIdOptions & { readonly split?: SplitOptions | undefined } = {},
): EncodedSplits {
  checkOptions('encodeSplits', options, 'split, numWords, skipTop, startChar, oovChar, indexFrom');
  const { split = {}, ...ids } = options;
  const vocabulary = buildVocabulary(
    texts.train.map(({ text }) => text),
    { split },
  );
  const encode = (part: readonly LabelledText[]): EncodedTexts => ({
    sequences: textsToReviewIds(
      vocabulary,
      part.map(({ text }) => text),
      ids,
    ),
    labels: Float32Array.from(part, ({ label }) => label),
  });
  return { vocabulary, train: encode(texts.train), test: encode(texts.test) };
}
