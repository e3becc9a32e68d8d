/** Whether a generated sentence speaks well of a film; its words alone do not say it, their order does. */
import { encodeSplits, padSequences, sentimentCorpus, splitWords } from '@ostinato/datasets';
import { binaryAccuracy, binaryCrossEntropy } from '@ostinato/training';
import type { MakeTask } from './task.ts';

const HELD_BACK = 500;

/** Ids are ranks from 1, 0 is padding: no start and no unknown, so that each step is a word of the sentence. */
const numbering = { startChar: null, oovChar: null, indexFrom: 0 } as const;

export const sentiment: MakeTask = ({ seed, sentences }) => {
  const corpus = sentimentCorpus({ seed, sentences, heldBack: HELD_BACK });
  const { vocabulary, train, test } = encodeSplits(corpus, numbering);
  const rows = ({ sequences, labels }: typeof train): ReturnType<MakeTask>['training'] => {
    const ids = padSequences(sequences, { padding: 'post' });
    return {
      inputs: ids,
      lengths: { data: ids.lengths, shape: [labels.length] },
      targets: { data: labels, shape: [labels.length, 1] },
    };
  };
  return {
    vocabulary: vocabulary.words,
    ids: vocabulary.words.length + 1,
    outputs: 1,
    predicts: 'last',
    training: rows(train),
    heldBack: rows(test),
    loss: binaryCrossEntropy,
    accuracy: binaryAccuracy,
    examples: corpus.test.slice(0, 40),
    read(text) {
      const ranked = splitWords(text).map((word) => [word, vocabulary.ranks.get(word)] as const);
      return {
        tokens: ranked.map(([word, rank]) => ({ text: word, known: rank !== undefined })),
        ids: ranked.flatMap(([, rank]) => rank ?? []),
      };
    },
    judge(logits) {
      const verdicts = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
      return { name: 'positive', verdicts, positive: verdicts.at(-1) ?? null, next: [] };
    },
  };
};
