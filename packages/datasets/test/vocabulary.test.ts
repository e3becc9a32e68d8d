import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildVocabulary,
  type ReviewIdOptions,
  reviewIdsToText,
  splitWords,
  textsToReviewIds,
  textsToSequences,
} from '../src/index.ts';

describe('splitWords', () => {
  test.each([
    ['This film was GREAT!', ['this', 'film', 'was', 'great']],
    ["It's B-O-R-I-N-G; don't", ["it's", 'b', 'o', 'r', 'i', 'n', 'g', "don't"]],
    ['one.<br /><br />Two', ['one', 'br', 'br', 'two']],
    ['tab\tand\nline feed', ['tab', 'and', 'line', 'feed']],
    ['back\\slash [x] ^caret', ['back', 'slash', 'x', 'caret']],
    ['no\u00a0break\r', ['no\u00a0break\r']],
    ['Ünïcode “quotes”', ['ünïcode', '“quotes”']],
    [' !? ', []],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('line breaks can go, case can stay, filters can be others', () => {
    expect(splitWords('A<br/>b <BR>c', { breaks: 'space' })).toEqual(['a', 'b', 'c']);
    expect(splitWords('A-b', { lower: false, filters: '' })).toEqual(['A-b']);
    expect(splitWords('a😀b-c', { filters: '😀' })).toEqual(['a', 'b-c']);
  });
});

describe('buildVocabulary', () => {
  test('ranks by count, ties by first occurrence', () => {
    const vocabulary = buildVocabulary(['b a c', 'c d a', 'c']);
    expect(vocabulary.words).toEqual(['c', 'a', 'b', 'd']);
    expect(vocabulary.counts).toEqual([3, 2, 1, 1]);
    expect(vocabulary.ranks.get('c')).toBe(1);
    expect(vocabulary.ranks.get('d')).toBe(4);
  });

  test('words that are properties of objects are words', () => {
    const vocabulary = buildVocabulary(['constructor __proto__ constructor']);
    expect(vocabulary.words).toEqual(['constructor', 'proto']);
    expect(textsToReviewIds(vocabulary, ['toString constructor'])).toEqual([[1, 4]]);
  });
});

describe('textsToReviewIds', () => {
  // the 3, cat 3, dog 2, a 2: ids 4, 5, 6, 7 after the shift by 3.
  const vocabulary = buildVocabulary(['The cat, the dog: the cat!', 'A cat; a dog']);

  test.each([
    [{}, [1, 4, 5, 6, 7]],
    [{ numWords: 6 }, [1, 4, 5, 2, 2]],
    [{ numWords: 6, oovChar: null }, [1, 4, 5]],
    // Keras replaces after it has put the start in front, so the start is below skip_top, too.
    [{ skipTop: 5 }, [2, 2, 5, 6, 7]],
    [{ startChar: null }, [4, 5, 6, 7]],
    [{ indexFrom: 0, startChar: null }, [1, 2, 3, 4]],
    [{ startChar: 20, oovChar: 21, indexFrom: 30, numWords: 33 }, [20, 31, 32, 21, 21]],
  ] as [ReviewIdOptions, number[]][])('%j', (options, ids) => {
    expect(textsToReviewIds(vocabulary, ['the cat dog a'], options)).toEqual([ids]);
  });

  test('skips a word that the training texts lack', () => {
    expect(textsToReviewIds(vocabulary, ['the zebra dog', 'zebra', ''])).toEqual([
      [1, 4, 6],
      [1],
      [1],
    ]);
  });

  test('is what load_data computes from ranks', () => {
    const words = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6'];
    const ranked = buildVocabulary(words.map((word, i) => `${word} `.repeat(9 - i)));
    const small = fc.nat({ max: 9 });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 })),
        fc.record({
          numWords: small,
          skipTop: small,
          startChar: fc.option(small),
          oovChar: fc.option(small),
          indexFrom: small,
        }),
        (ranks, options) => {
          const { startChar, oovChar, indexFrom, skipTop, numWords } = options;
          const shifted = ranks.map((rank) => rank + indexFrom);
          const started = startChar === null ? shifted : [startChar, ...shifted];
          const inside = (id: number): boolean => skipTop <= id && id < numWords;
          const expected =
            oovChar === null
              ? started.filter(inside)
              : started.map((id) => (inside(id) ? id : oovChar));
          const text = ranks.map((rank) => words[rank - 1]).join(' ');
          expect(textsToReviewIds(ranked, [text], options)).toEqual([expected]);
        },
      ),
    );
  });

  test('refuses one text instead of several, whose letters would be texts', () => {
    expect(() => buildVocabulary('the film')).toThrow(/buildVocabulary: got one text, "the film"/);
    expect(() => textsToReviewIds(vocabulary, 'the film')).toThrow(/textsToReviewIds: got one/);
    expect(() => textsToSequences(vocabulary, 'the film')).toThrow(/textsToSequences: got one/);
  });

  test('refuses options that are no counts', () => {
    for (const name of ['numWords', 'skipTop', 'indexFrom'])
      expect(() => textsToReviewIds(vocabulary, [], { [name]: null })).toThrow(`got null`);
    expect(() => textsToReviewIds(vocabulary, [], { numWords: 1.5 })).toThrow(/numWords.*got 1\.5/);
    for (const numWords of [Number.NaN, -1])
      expect(() => textsToSequences(vocabulary, [], { numWords })).toThrow(/numWords.*got/);
    expect(() => textsToReviewIds(vocabulary, [], { startChar: -1 })).toThrow(/startChar.*got -1/);
  });

  test('reviewIdsToText turns ids back', () => {
    const options = { numWords: 6 };
    const [ids = []] = textsToReviewIds(vocabulary, ['The cat, a zebra'], options);
    expect(reviewIdsToText(vocabulary, [0, ...ids, 99], options)).toBe(
      '[pad] [start] the cat [oov] [?]',
    );
  });
});

describe('textsToSequences', () => {
  const vocabulary = buildVocabulary(['the cat the dog the cat']);

  test.each([
    [{}, [1, 2, 3]],
    [{ numWords: 3 }, [1, 2]],
    [{ oovToken: '<oov>' }, [2, 3, 4, 1]],
    [{ oovToken: '<oov>', numWords: 4 }, [2, 3, 1, 1]],
  ])('%j', (options, ids) => {
    expect(textsToSequences(vocabulary, ['the cat dog zebra'], options)).toEqual([ids]);
  });

  test('refuses an oovToken that is a word', () => {
    expect(() => textsToSequences(vocabulary, [], { oovToken: 'cat' })).toThrow(/"cat" is also/);
  });
});
