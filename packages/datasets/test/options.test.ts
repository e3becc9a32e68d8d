/** Options that are misspelt, or no record at all, are refused by every function that takes some. */
import { hostKey } from '@ostinato/core/random';
import { expect, test } from 'vitest';
import {
  bagOfWordsBaseline,
  batches,
  buildVocabulary,
  encodeSplits,
  lengthBuckets,
  lengthLadder,
  padSequences,
  randomSubset,
  reviewIdsToText,
  rotatingStratum,
  sentimentCorpus,
  splitWords,
  stratifiedSubset,
  takeRows,
  textsToReviewIds,
  textsToSequences,
} from '../src/index.ts';
import { downloadImdb, readImdb } from '../src/node.ts';

const texts = { train: [{ text: 'a', label: 1 }], test: [{ text: 'b', label: 0 }] } as const;
const vocabulary = buildVocabulary(['a b']);
const rows = { data: new Float32Array(2), shape: [2] };
const key = hostKey(1);

const takers: readonly (readonly [string, (options: never) => unknown, string])[] = [
  ['padSequences', (o) => padSequences([[1]], o), 'maxlen, padding, truncation, value'],
  ['batches', (o) => batches(2, o), 'size, key, epoch, dropLast'],
  ['takeRows', (o) => takeRows(rows, [0], o), 'rows, fill, out'],
  ['splitWords', (o) => splitWords('a', o), 'filters, lower, breaks'],
  ['buildVocabulary', (o) => buildVocabulary(['a'], o), 'split'],
  ['splitWords', (o) => buildVocabulary(['a'], { split: o }), 'filters, lower, breaks'],
  ['textsToReviewIds', (o) => textsToReviewIds(vocabulary, ['a'], o), 'numWords, skipTop, startC'],
  ['reviewIdsToText', (o) => reviewIdsToText(vocabulary, [1], o), 'numWords, skipTop, startChar'],
  ['textsToSequences', (o) => textsToSequences(vocabulary, ['a'], o), 'numWords, oovToken'],
  ['encodeSplits', (o) => encodeSplits(texts, o), 'split, numWords, skipTop, startChar, oovChar,'],
  [
    'bagOfWordsBaseline',
    (o) => bagOfWordsBaseline(texts.train, texts.test, o),
    'l2, numWords, max',
  ],
  ['sentimentCorpus', (o) => sentimentCorpus(o), 'seed, sentences, heldBack'],
  ['lengthLadder', (o) => lengthLadder(9, o), 'buckets'],
  ['lengthBuckets', (o) => lengthBuckets([9], o), 'buckets, ladder'],
  ['randomSubset', (o) => randomSubset(2, o), 'size, key'],
  ['stratifiedSubset', (o) => stratifiedSubset([0, 1], o), 'size, key'],
  ['rotatingStratum', (o) => rotatingStratum([0, 1], o), 'parts, epoch, key'],
];

const refusal = (message: string): unknown =>
  expect.objectContaining({
    code: 'argument-invalid',
    message: expect.stringContaining(message),
  });

test.each(takers)('%s refuses an option that it does not have', (name, take, options) => {
  expect(() => take({ maxLen: 2 } as never)).toThrow(
    refusal(`${name}: there is no option "maxLen". Pass a record of ${options}`),
  );
  expect(() => take(3 as never)).toThrow(refusal(`${name}: options are 3. Pass a record of`));
  expect(() => take('3' as never)).toThrow(refusal(`${name}: options are "3". Pass a record of`));
  expect(() => take(null as never)).toThrow(refusal(`${name}: options are null. Pass a record of`));
});

test('readers refuse them before they touch the disk or the network', async () => {
  await expect(readImdb({ path: '.' } as never)).rejects.toMatchObject({
    message: 'readImdb: there is no option "path". Pass a record of dir, limit.',
  });
  await expect(downloadImdb('folder' as never)).rejects.toMatchObject({
    message: expect.stringContaining('downloadImdb: options are "folder". Pass a record of'),
  });
});

test('what is undefined is as if it were left out, and a count in quotes is text', () => {
  const none = undefined;
  expect(
    padSequences([[1, 2]], { maxlen: none, padding: none, truncation: none, value: none }),
  ).toEqual(padSequences([[1, 2]]));
  expect(sentimentCorpus({ seed: none, sentences: 8, heldBack: none }).test).toHaveLength(2);
  expect(lengthBuckets([3], { buckets: none, ladder: none })).toEqual(lengthBuckets([3]));
  expect(
    buildVocabulary(['A'], { split: { lower: none, filters: none, breaks: none } }).words,
  ).toEqual(['a']);
  const ids = { numWords: none, skipTop: none, startChar: none, oovChar: none, indexFrom: none };
  expect(textsToReviewIds(vocabulary, ['a'], ids)).toEqual(textsToReviewIds(vocabulary, ['a']));
  expect(() => batches(3, { size: '2' as never, key, epoch: 0 })).toThrow(
    'batches: size is a whole number of at least 1, got "2".',
  );
});
