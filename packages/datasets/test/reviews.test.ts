import { expect, test } from 'vitest';
import { encodeSplits } from '../src/index.ts';

test('encodeSplits ranks words on the training texts alone', () => {
  const {
    vocabulary,
    train,
    test: held,
  } = encodeSplits(
    {
      train: [
        { text: 'good good film', label: 1 },
        { text: 'bad film good', label: 0 },
      ],
      test: [{ text: 'bad bad bad unseen film', label: 0 }],
    },
    { numWords: 6 },
  );
  expect(vocabulary.words).toEqual(['good', 'film', 'bad']);
  expect(train.sequences).toEqual([
    [1, 4, 4, 5],
    [1, 2, 5, 4],
  ]);
  expect([...train.labels]).toEqual([1, 0]);
  expect(held.sequences).toEqual([[1, 2, 2, 2, 5]]);
  expect([...held.labels]).toEqual([0]);
});

test('encodeSplits splits as it is told', () => {
  const texts = { train: [{ text: 'a<br />b', label: 1 as const }], test: [] };
  expect(encodeSplits(texts).vocabulary.words).toEqual(['a', 'br', 'b']);
  expect(encodeSplits(texts, { split: { breaks: 'space' } }).vocabulary.words).toEqual(['a', 'b']);
});
