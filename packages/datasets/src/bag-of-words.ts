/**
 * The baseline that knows which words a text has and not their order: a logistic regression on word counts. Knows
 * nothing of networks; runs on the host in float64.
 */
import { checkOptions, DatasetError, requireCount } from './errors.ts';
import type { LabelledText } from './reviews.ts';
import { buildVocabulary, type SplitOptions, type Vocabulary, wordSplitter } from './vocabulary.ts';

export interface BagOfWordsOptions {
  /** Weight of half the squared norm of the weights, against the mean loss. The bias is free. Default 0.001. */
  readonly l2?: number | undefined;
  /** The most frequent words of the training texts, at most so many. All where absent. */
  readonly numWords?: number | undefined;
  /** Steps at most. Default 500. */
  readonly maxSteps?: number | undefined;
  /** Stops when no part of the gradient is larger. Default 1e-5. */
  readonly tolerance?: number | undefined;
  readonly split?: SplitOptions | undefined;
}

export interface BagOfWordsResult {
  /** Share of right answers, 0 to 1. */
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
  readonly steps: number;
  /** False: `maxSteps` came first. */
  readonly converged: boolean;
  /** The chance that a text is positive, 0 to 1. Words that the training texts lack count nothing. */
  readonly predict: (text: string) => number;
}

/** Texts as counts, row after row: the words of row r and how often each occurs are at offsets[r] to offsets[r + 1]. */
interface Counts {
  readonly offsets: Uint32Array;
  readonly words: Uint32Array;
  readonly times: Float64Array;
}

/** The last entry is the bias. */
type Weights = Float64Array<ArrayBuffer>;

/**
 * Fits on the training texts and scores both parts. The loss is convex, so there is one answer; it is found by
 * full-batch gradient descent with Nesterov's momentum, restarted where the momentum points uphill (O'Donoghue and
 * Candès, "Adaptive restart for accelerated gradient schemes", 2015), with a step that halves where it overshoots.
 * Nothing is random.
 *
 * A chance of exactly 1/2 is answered with "positive".
 *
 * @throws DatasetError `argument-invalid`: no training or no test texts, a bad option
 */
export function bagOfWordsBaseline(
  train: readonly LabelledText[],
  test: readonly LabelledText[],
  options: BagOfWordsOptions = {},
): BagOfWordsResult {
  checkOptions('bagOfWordsBaseline', options, 'l2, numWords, maxSteps, tolerance, split');
  const { l2 = 1e-3, maxSteps = 500, tolerance = 1e-5, numWords = Infinity, split = {} } = options;
  requireCount('bagOfWordsBaseline: training texts', train.length);
  requireCount('bagOfWordsBaseline: test texts', test.length);
  requireCount('bagOfWordsBaseline: maxSteps', maxSteps);
  if (numWords !== Infinity) requireCount('bagOfWordsBaseline: numWords', numWords, 0);
  // An infinite penalty of weights that are 0 is no number, and so is every gradient.
  if (!(l2 >= 0 && l2 < Infinity && tolerance > 0)) {
    throw new DatasetError(
      'argument-invalid',
      `bagOfWordsBaseline: l2 is ${l2} and tolerance ${tolerance}. Pass a finite l2 from 0 and a tolerance above 0.`,
    );
  }
  const texts = train.map(({ text }) => text);
  const vocabulary = buildVocabulary(texts, { split });
  const size = Math.min(vocabulary.words.length, numWords);
  const counts = (of: readonly string[]): Counts => countWords(of, vocabulary, size);
  const labels = Float64Array.from(train, ({ label }) => label);
  const problem = { counts: counts(texts), labels, l2, size };
  const { weights, steps, converged } = descend(problem, { maxSteps, tolerance });

  const predict = (text: string): number => sigmoid(score(counts([text]), 0, weights));
  const accuracy = (part: readonly LabelledText[]): number => {
    const rows = counts(part.map(({ text }) => text));
    const right = part.filter(({ label }, r) => score(rows, r, weights) >= 0 === (label === 1));
    return right.length / part.length;
  };
  return {
    trainAccuracy: accuracy(train),
    testAccuracy: accuracy(test),
    steps,
    converged,
    predict,
  };
}

function countWords(texts: readonly string[], vocabulary: Vocabulary, size: number): Counts {
  const wordsOf = wordSplitter(vocabulary.split);
  const offsets = new Uint32Array(texts.length + 1);
  const words: number[] = [];
  const times: number[] = [];
  texts.forEach((text, row) => {
    const seen = new Map<number, number>();
    for (const word of wordsOf(text)) {
      const place = (vocabulary.ranks.get(word) ?? Infinity) - 1;
      if (place < size) seen.set(place, (seen.get(place) ?? 0) + 1);
    }
    for (const [word, count] of seen) {
      words.push(word);
      times.push(count);
    }
    offsets[row + 1] = words.length;
  });
  return { offsets, words: Uint32Array.from(words), times: Float64Array.from(times) };
}

interface Problem {
  readonly counts: Counts;
  readonly labels: Float64Array;
  readonly l2: number;
  /** Words; the weights have one more. */
  readonly size: number;
}

function descend(
  problem: Problem,
  stop: { readonly maxSteps: number; readonly tolerance: number },
): { weights: Weights; steps: number; converged: boolean } {
  let weights: Weights = new Float64Array(problem.size + 1);
  let ahead = weights;
  let momentum = 1;
  let rate = 1;
  for (let steps = 0; steps < stop.maxSteps; steps++) {
    const gradient: Weights = new Float64Array(problem.size + 1);
    const loss = evaluate(problem, ahead, gradient);
    if (gradient.every((g) => Math.abs(g) <= stop.tolerance)) {
      return { weights: ahead, steps, converged: true };
    }
    const square = gradient.reduce((sum, g) => sum + g * g, 0);
    let next = along(ahead, gradient, -rate);
    while (evaluate(problem, next) > loss - (rate / 2) * square + 1e-12) {
      rate /= 2;
      next = along(ahead, gradient, -rate);
    }
    const moved = along(next, weights, -1);
    const uphill = moved.reduce((sum, m, i) => sum + m * (gradient[i] as number), 0) > 0;
    const grown = uphill ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    ahead = uphill ? next : along(next, moved, (momentum - 1) / grown);
    weights = next;
    momentum = grown;
  }
  return { weights, steps: stop.maxSteps, converged: false };
}

/** Mean log loss and penalty; the gradient is added to `gradient` where given. */
function evaluate(problem: Problem, weights: Weights, gradient?: Weights): number {
  const { counts, labels, l2, size } = problem;
  const { offsets, words, times } = counts;
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const z = score(counts, row, weights);
    const label = labels[row] as number;
    loss += (Math.max(z, 0) - label * z + Math.log1p(Math.exp(-Math.abs(z)))) / labels.length;
    if (gradient === undefined) continue;
    const error = (sigmoid(z) - label) / labels.length;
    for (let i = offsets[row] as number; i < (offsets[row + 1] as number); i++) {
      (gradient[words[i] as number] as number) += error * (times[i] as number);
    }
    (gradient[size] as number) += error;
  }
  for (let word = 0; word < size; word++) {
    const weight = weights[word] as number;
    loss += (l2 / 2) * weight * weight;
    if (gradient !== undefined) (gradient[word] as number) += l2 * weight;
  }
  return loss;
}

function score(counts: Counts, row: number, weights: Weights): number {
  const { offsets, words, times } = counts;
  let z = weights[weights.length - 1] as number;
  for (let i = offsets[row] as number; i < (offsets[row + 1] as number); i++) {
    z += (weights[words[i] as number] as number) * (times[i] as number);
  }
  return z;
}

function along(from: Weights, direction: Weights, rate: number): Weights {
  return from.map((x, i) => x + rate * (direction[i] as number));
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}
