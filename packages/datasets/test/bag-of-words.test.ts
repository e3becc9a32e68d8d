import { expect, test } from 'vitest';
import { bagOfWordsBaseline, type LabelledText } from '../src/index.ts';

const texts = (entries: readonly (readonly [string, 0 | 1])[]): LabelledText[] =>
  entries.map(([text, label]) => ({ text, label }));

test('finds words that decide', () => {
  const train = texts([
    ['a good film', 1],
    ['good acting', 1],
    ['the film was bad', 0],
    ['bad', 0],
  ]);
  const held = texts([
    ['good!', 1],
    ['a bad bad film', 0],
  ]);
  const result = bagOfWordsBaseline(train, held);
  expect(result).toMatchObject({ trainAccuracy: 1, testAccuracy: 1, converged: true });
  expect(result.predict('good')).toBeGreaterThan(0.9);
  expect(result.predict('bad')).toBeLessThan(0.1);
});

test('a free bias: the mean chance is the share of positive texts', () => {
  const train = texts([
    ['x y', 1],
    ['y z', 0],
    ['x x z', 1],
    ['z', 1],
    ['y', 0],
  ]);
  const { predict, converged } = bagOfWordsBaseline(train, train, { l2: 0.1, tolerance: 1e-9 });
  const mean = train.reduce((sum, { text }) => sum + predict(text), 0) / train.length;
  expect(converged).toBe(true);
  expect(mean).toBeCloseTo(3 / 5, 7);
});

test('one word has the answer that can be worked out', () => {
  // Loss log(1 + e^-w) / 2 + log(2) / 2 with the bias b: at the optimum the two errors are equal and opposite, and
  // l2 w = (1 - sigmoid(w + b)) / 2 with sigmoid(w + b) = 1 - sigmoid(b), so b = -w / 2.
  const train = texts([
    ['word', 1],
    ['other', 0],
  ]);
  const l2 = 0.05;
  const { predict } = bagOfWordsBaseline(train, train, { l2, numWords: 1, tolerance: 1e-10 });
  const logit = Math.log(predict('word') / (1 - predict('word')));
  const weight = 2 * logit;
  expect(l2 * weight).toBeCloseTo((1 - predict('word')) / 2, 8);
  expect(predict('other')).toBeCloseTo(1 - predict('word'), 8);
});

test('cannot tell orders of the same words', () => {
  const train = texts([
    ['dog bites man', 0],
    ['man bites dog', 1],
  ]);
  expect(bagOfWordsBaseline(train, train).testAccuracy).toBe(0.5);
});

test('refuses what cannot be fitted', () => {
  const some = texts([['a', 1]]);
  expect(() => bagOfWordsBaseline([], some)).toThrow(/training texts is a whole number/);
  expect(() => bagOfWordsBaseline(some, [])).toThrow(/test texts/);
  for (const l2 of [-1, Infinity])
    expect(() => bagOfWordsBaseline(some, some, { l2 })).toThrow(`l2 is ${l2}`);
  for (const numWords of [-3, 1.5, Number.NaN])
    expect(() => bagOfWordsBaseline(some, some, { numWords })).toThrow(
      `numWords is a whole number of at least 0, got ${numWords}.`,
    );
});
