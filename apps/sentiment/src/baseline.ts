/** The row that the models have to beat: a logistic regression on which words a text has. Knows no network. */
import { bagOfWordsBaseline, buildVocabulary } from '@ostinato/datasets';
import type { Texts } from './data.ts';
import type { Settings } from './options.ts';
import { type BaselineResult, peakMemoryMiB } from './result.ts';

/** Sees all training texts, whole: it needs no validation part, and word counts have no `maxlen`. */
export function baseline(texts: Texts, settings: Pick<Settings, 'words'>): BaselineResult {
  const start = performance.now();
  const fitted = bagOfWordsBaseline(texts.train, texts.test, { numWords: settings.words });
  const losses = texts.test.map(({ text, label }) => {
    const positive = fitted.predict(text);
    // A chance of exactly 0 would be an infinite loss; float64 has nothing smaller to say.
    return -Math.log(Math.max(label === 1 ? positive : 1 - positive, Number.EPSILON));
  });
  const vocabulary = buildVocabulary(texts.train.map(({ text }) => text));
  return {
    parameters: Math.min(vocabulary.words.length, settings.words) + 1,
    testAccuracy: fitted.testAccuracy,
    testLoss: losses.reduce((a, b) => a + b, 0) / losses.length,
    peakMemoryMiB: peakMemoryMiB(),
    seconds: (performance.now() - start) / 1000,
  };
}
