/**
 * Words to ids, with the two rules that Keras has: those of `keras.datasets.imdb.load_data`
 * (keras/src/datasets/imdb.py) and those of the legacy `Tokenizer` (keras/src/legacy/preprocessing/text.py).
 * Knows how a text is split and how words are ranked; knows no file and no padding.
 */
import { checkOptions, DatasetError, requireCount } from './errors.ts';

/** What Keras' Tokenizer turns into spaces: all ASCII punctuation but the apostrophe, tab and line feed. */
export const KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

export interface SplitOptions {
  /** Characters that become a space. Default `KERAS_FILTERS`. */
  readonly filters?: string | undefined;
  /** Default true. `String.prototype.toLowerCase` is Unicode's rule, as Python's `lower` is. */
  readonly lower?: boolean | undefined;
  /**
   * What becomes of the HTML line break `<br />`. `word`, the default: nothing special, so that the filters leave the
   * word "br" of it. The published IMDB index was made so: "br" has rank 7 there, and every rank behind it counts on
   * it. `space`: removed before anything else.
   */
  readonly breaks?: 'word' | 'space' | undefined;
}

/**
 * A text's words: lower case, each filtered character to a space, split at spaces, empty words dropped. Only the space
 * splits (as in Keras), so a no-break space or a carriage return stays inside a word.
 */
export function splitWords(text: string, options: SplitOptions = {}): string[] {
  return wordSplitter(options)(text);
}

/** `splitWords` with its pattern made once, for many texts. */
export function wordSplitter(options: SplitOptions): (text: string) => string[] {
  checkOptions('splitWords', options, 'filters, lower, breaks');
  const { filters = KERAS_FILTERS, lower = true, breaks = 'word' } = options;
  const border = new RegExp(`[ ${filters.replace(/[\\\]^-]/g, '\\$&')}]+`, 'u');
  return (text) => {
    const unbroken = breaks === 'space' ? text.replace(/<br\s*\/?>/gi, ' ') : text;
    const cased = lower ? unbroken.toLowerCase() : unbroken;
    return cased.split(border).filter((word) => word !== '');
  };
}

/** Words by rank. Plain data but for the map, which is derived from `words`. */
export interface Vocabulary {
  /** By rank: the most frequent word first; of equally frequent words, the one that was seen first. */
  readonly words: readonly string[];
  /** How often each of `words` occurred. */
  readonly counts: readonly number[];
  /** From a word to its rank, which begins at 1. */
  readonly ranks: ReadonlyMap<string, number>;
  /** How texts were split, and how later texts must be. */
  readonly split: SplitOptions;
}

/**
 * Ranks the words of the training texts by frequency; a tie goes to the word that was seen first (Keras sorts a
 * dictionary in order of insertion with a stable sort).
 *
 * On the 25,000 training reviews of the Large Movie Review Dataset this finds 88,582 words.
 *
 * @throws DatasetError `argument-invalid`: one text instead of several
 */
export function buildVocabulary(
  texts: Iterable<string>,
  options: { readonly split?: SplitOptions | undefined } = {},
): Vocabulary {
  checkOptions('buildVocabulary', options, 'split');
  const { split = {} } = options;
  requireTexts('buildVocabulary', texts);
  const wordsOf = wordSplitter(split);
  const seen = new Map<string, number>();
  for (const text of texts) {
    for (const word of wordsOf(text)) seen.set(word, (seen.get(word) ?? 0) + 1);
  }
  const ranked = [...seen].sort((a, b) => b[1] - a[1]);
  return {
    words: ranked.map(([word]) => word),
    counts: ranked.map(([, count]) => count),
    ranks: new Map(ranked.map(([word], place) => [word, place + 1])),
    split,
  };
}

export interface ReviewIdOptions {
  /** Ids stay below this number, special ids counted: 10000 keeps the 9,996 first words. All words where absent. */
  readonly numWords?: number | undefined;
  /** Ids below this number become `oovChar`. Counted after the shift by `indexFrom`, as in Keras. Default 0. */
  readonly skipTop?: number | undefined;
  /** The id that begins every sequence; null for none. Default 1. */
  readonly startChar?: number | null | undefined;
  /** The id of a known word that `numWords` or `skipTop` cut; null drops such words. Default 2. */
  readonly oovChar?: number | null | undefined;
  /** A word of rank r (from 1) has id r + indexFrom. Default 3. */
  readonly indexFrom?: number | undefined;
}

/**
 * Ids of texts as `imdb.load_data` gives them: `startChar`, then rank + `indexFrom` of each word; then each id, the
 * start among them, that is not in [skipTop, numWords) becomes `oovChar`. 0 is left for padding.
 *
 * A word that the training texts do not have is skipped, not `oovChar`: so Keras' data were made.
 * One difference: without `num_words` Keras takes the largest id as the limit and so cuts the words that have it
 * ("w < num_words"); here all words stay.
 *
 * @returns one array of ids for each text
 * @throws DatasetError `argument-invalid`: an option that is no whole number from 0, one text instead of several
 */
export function textsToReviewIds(
  vocabulary: Vocabulary,
  texts: Iterable<string>,
  options: ReviewIdOptions = {},
): number[][] {
  checkOptions('textsToReviewIds', options, 'numWords, skipTop, startChar, oovChar, indexFrom');
  const { numWords = Infinity, skipTop = 0, startChar = 1, oovChar = 2, indexFrom = 3 } = options;
  requireTexts('textsToReviewIds', texts);
  // No id is below null: an absent limit that is said as in Python would make every word `oovChar`.
  const limits = { skipTop, startChar: startChar ?? 0, oovChar: oovChar ?? 0, indexFrom };
  for (const [name, value] of Object.entries(limits)) {
    requireCount(`textsToReviewIds: ${name}`, value, 0);
  }
  if (numWords !== Infinity) requireCount('textsToReviewIds: numWords', numWords, 0);
  const wordsOf = wordSplitter(vocabulary.split);
  const sequences: number[][] = [];
  for (const text of texts) {
    const ids = startChar === null ? [] : [startChar];
    for (const word of wordsOf(text)) {
      const rank = vocabulary.ranks.get(word);
      if (rank !== undefined) ids.push(rank + indexFrom);
    }
    const kept = (id: number): boolean => skipTop <= id && id < numWords;
    sequences.push(
      oovChar === null ? ids.filter(kept) : ids.map((id) => (kept(id) ? id : oovChar)),
    );
  }
  return sequences;
}

/**
 * The words of ids that `textsToReviewIds` made with the same options: `[start]`, `[oov]`, `[pad]` for the special
 * ids, `[?]` for an id that is none of them and no word's.
 */
export function reviewIdsToText(
  vocabulary: Vocabulary,
  ids: Iterable<number>,
  options: ReviewIdOptions = {},
): string {
  checkOptions('reviewIdsToText', options, 'numWords, skipTop, startChar, oovChar, indexFrom');
  const { startChar = 1, oovChar = 2, indexFrom = 3 } = options;
  return Array.from(ids, (id) => {
    if (id === oovChar) return '[oov]';
    if (id === startChar) return '[start]';
    if (id === 0) return '[pad]';
    return vocabulary.words[id - indexFrom - 1] ?? '[?]';
  }).join(' ');
}

export interface TokenizerOptions {
  /** Ids stay below this number. All words where absent. */
  readonly numWords?: number | undefined;
  /** A token with id 1 for each word that is unknown or cut; every word's id is then one higher. Absent: such words are dropped. */
  readonly oovToken?: string | undefined;
}

/**
 * Ids of texts as Keras' `Tokenizer.texts_to_sequences` gives them: a word's id is its rank, from 1; 0 is padding.
 *
 * @returns one array of ids for each text
 * @throws DatasetError `argument-invalid`: `oovToken` is a word of the vocabulary, `numWords` is no whole number from 1, one
 * text instead of several
 */
export function textsToSequences(
  vocabulary: Vocabulary,
  texts: Iterable<string>,
  options: TokenizerOptions = {},
): number[][] {
  checkOptions('textsToSequences', options, 'numWords, oovToken');
  const { numWords = Infinity, oovToken } = options;
  requireTexts('textsToSequences', texts);
  if (numWords !== Infinity) requireCount('textsToSequences: numWords', numWords);
  if (oovToken !== undefined && vocabulary.ranks.has(oovToken)) {
    throw new DatasetError(
      'argument-invalid',
      `textsToSequences: oovToken "${oovToken}" is also a word of the training texts. Choose a token that no text has, such as "<oov>".`,
    );
  }
  const wordsOf = wordSplitter(vocabulary.split);
  const shift = oovToken === undefined ? 0 : 1;
  return Array.from(texts, (text) =>
    wordsOf(text).flatMap((word) => {
      const id = (vocabulary.ranks.get(word) ?? Infinity) + shift;
      if (id < numWords) return [id];
      return oovToken === undefined ? [] : [1];
    }),
  );
}

/** A string is iterable too, and its letters would be taken for texts. */
function requireTexts(who: string, texts: Iterable<string>): void {
  if (typeof texts !== 'string') return;
  throw new DatasetError(
    'argument-invalid',
    `${who}: got one text, ${JSON.stringify(texts.slice(0, 20))}. Pass a list of texts; for letters as words, Array.from(text).`,
  );
}
