import { describe, expect, test } from 'vitest';
import {
  bagOfWordsBaseline,
  buildVocabulary,
  type LabelledText,
  sentimentCorpus,
  splitWords,
} from '../src/index.ts';

const POSITIVE =
  'brilliant lovely funny clever moving charming superb fresh gripping wonderful elegant delightful';
const NEGATIVE =
  'dull weak boring clumsy awful silly tedious bland terrible messy shallow dreadful';
const CONCESSION = /^(although|even though|though|while) /;
const RELATIVE = / which .* (seen before|heard of|mentioned|advertised) /;

/** Reads a sentence as a person would, by the rules that `sentimentCorpus` states, from its text alone. */
function parse(text: string): 0 | 1 {
  const [first = '', second] = text.split(', ');
  if (second === undefined) return clause(first) as 0 | 1;
  if (CONCESSION.test(first)) return clause(second) as 0 | 1;
  if (CONCESSION.test(second)) return clause(first) as 0 | 1;
  if (/^(but|yet) /.test(second)) return clause(second) as 0 | 1;
  if (/^and /.test(second)) return (clause(first) ?? clause(second)) as 0 | 1;
  throw new Error(`no rule for: ${text}`);
}

function clause(text: string): 0 | 1 | undefined {
  const words = text.replace(RELATIVE, ' ').split(' ');
  const adjective = words.at(-1) ?? '';
  const negations = words.filter((word) => ['not', 'never', 'hardly', 'nobody'].includes(word));
  expect(negations.length).toBeLessThanOrEqual(1);
  if (POSITIVE.split(' ').includes(adjective)) return negations.length === 0 ? 1 : 0;
  if (NEGATIVE.split(' ').includes(adjective)) return negations.length === 0 ? 0 : 1;
  return undefined;
}

const bag = (text: string): string => splitWords(text).sort().join(' ');

describe.each([0, 1, 2, 3])('seed %i', (seed) => {
  const { train, test: held } = sentimentCorpus({ seed, sentences: 2000, heldBack: 600 });

  test('labels are what the grammar says', () => {
    for (const { text, label } of [...train, ...held]) {
      expect({ text, label: parse(text) }).toEqual({ text, label });
    }
  });

  test('no sentence comes twice, and no held-back bag of words is in training', () => {
    const all = [...train, ...held].map(({ text }) => text);
    expect(new Set(all).size).toBe(all.length);
    const known = new Set(train.map(({ text }) => bag(text)));
    expect(held.filter(({ text }) => known.has(bag(text)))).toEqual([]);
  });

  test.each([
    ['training', train],
    ['held back', held],
  ] as [string, readonly LabelledText[]][])('%s: each bag has each label once', (_, part) => {
    const bags = (label: 0 | 1): string[] =>
      part
        .filter((sentence) => sentence.label === label)
        .map(({ text }) => bag(text))
        .sort();
    expect(bags(1)).toEqual(bags(0));
    expect(new Set(bags(1)).size).toBe(part.length / 2);
  });

  test('a bag of words does not learn it, not even where twins are apart', () => {
    expect(bagOfWordsBaseline(train, held).testAccuracy).toBeLessThanOrEqual(0.65);
    expect(bagOfWordsBaseline(train.slice(0, 1600), held).testAccuracy).toBeLessThanOrEqual(0.65);
    const apart = bagOfWordsBaseline(train.slice(0, 1600), train.slice(1600));
    expect(apart.testAccuracy).toBeLessThanOrEqual(0.65);
  });

  test('sentences have 8 to 24 words out of 100 to 200', () => {
    for (const { text } of train) {
      expect(splitWords(text).length).toBeGreaterThanOrEqual(8);
      expect(splitWords(text).length).toBeLessThanOrEqual(24);
    }
    const { words } = buildVocabulary(train.map(({ text }) => text));
    expect(words.length).toBeGreaterThanOrEqual(100);
    expect(words.length).toBeLessThanOrEqual(200);
    expect(held.flatMap(({ text }) => splitWords(text)).filter((w) => !words.includes(w))).toEqual(
      [],
    );
  });

  test('labels are mixed: no long run, halves alike', () => {
    const positive = (part: readonly LabelledText[]): number =>
      part.filter(({ label }) => label === 1).length / part.length;
    expect(positive(train)).toBe(0.5);
    expect(Math.abs(positive(train.slice(0, 1000)) - 0.5)).toBeLessThan(0.06);
  });
});

test('is the same for the same seed and another for another', () => {
  const small = { sentences: 6, heldBack: 2 };
  expect(sentimentCorpus({ seed: 5, ...small })).toEqual(sentimentCorpus({ seed: 5, ...small }));
  expect(sentimentCorpus({ seed: 5, ...small })).not.toEqual(
    sentimentCorpus({ seed: 6, ...small }),
  );
  const lines = sentimentCorpus({ seed: 0, ...small }).train.map((s) => `${s.label} ${s.text}`);
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    1 although the movie that evening felt in my opinion awful, the script of this young director was in my opinion clever
    0 the dialogue which the cinema had advertised was never wonderful
    0 the movie felt to be honest charming, but the film was hardly gripping
    1 the dialogue which the cinema had never advertised was wonderful
    1 the film was hardly gripping, but the movie felt to be honest charming
    0 although the movie that evening felt in my opinion clever, the script of this young director was in my opinion awful
    "
  `);
});

test('counts are what was asked for', () => {
  const { train, test: held } = sentimentCorpus({ sentences: 7 });
  expect([train.length, held.length]).toEqual([7, 2]);
  expect(sentimentCorpus({ sentences: 4, heldBack: 0 }).test).toEqual([]);
  expect(() => sentimentCorpus({ sentences: 0 })).toThrow(/sentences is a whole number/);
  expect(() => sentimentCorpus({ sentences: 1e6 })).toThrow(/at most 200000/);
  expect(() => sentimentCorpus({ seed: -1 })).toThrow(RangeError);
});
