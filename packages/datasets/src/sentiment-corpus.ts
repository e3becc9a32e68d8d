/**
 * A corpus of generated sentences about films whose sentiment lies in their order and in no word: negation and its
 * scope, concession and contrast, with words between that carry nothing. Knows the grammar; its words are in
 * sentiment-words.ts. No text was taken from anywhere.
 *
 * Sentences are made in pairs, twins, with the same words in another order and the opposite label. So whatever looks at
 * a bag of words only is right on exactly one of each two.
 *
 * | sentence | sentiment |
 * | --- | --- |
 * | although the plot was dull, the music was not weak | positive |
 * | the plot was dull, although the music was not weak | negative |
 */
import { bits, foldKey, type HostKey, hostKey, permutation } from '@ostinato/core/random';
import { checkOptions, DatasetError, requireCount } from './errors.ts';
import type { LabelledText } from './reviews.ts';
import * as words from './sentiment-words.ts';

export interface SentimentCorpusOptions {
  /** A non-negative safe integer. Default 0. */
  readonly seed?: number | undefined;
  /** Training sentences. Default 2000. */
  readonly sentences?: number | undefined;
  /** Held-back sentences. Default a quarter of `sentences`. */
  readonly heldBack?: number | undefined;
}

export interface SentimentCorpus {
  readonly train: readonly LabelledText[];
  /** Held back: none of them, and no other order of their words, is among the training sentences. */
  readonly test: readonly LabelledText[];
}

const MIN_WORDS = 8;
const MAX_WORDS = 24;
/** Far below the number of distinct bags, so that the search for a new one stays short. */
const MAX_SENTENCES = 200_000;

/**
 * Generates the corpus: lower-case sentences of 8 to 24 words, half of them positive (of an odd number, one less of
 * either), in random order.
 *
 * The rules, which `sentiment-corpus.test.ts` holds against a parser of its own:
 * - a clause is positive or negative by its adjective, and the other way round with one of "not", "never", "hardly" in
 *   its predicate or with "nobody" as the one who judges;
 * - a negation within a relative clause ("which we had never seen before") or on a neutral adjective turns nothing;
 * - of two clauses, the one behind "although", "though", "even though" or "while" gives way to the other; the one
 *   behind "but" or "yet" wins; with "and" one of the two is neutral.
 *
 * @throws DatasetError `argument-invalid`: a count that is no whole number, or more than 200,000 sentences in all
 * @throws RangeError the seed is no seed
 */
export function sentimentCorpus(options: SentimentCorpusOptions = {}): SentimentCorpus {
  checkOptions('sentimentCorpus', options, 'seed, sentences, heldBack');
  const { seed = 0, sentences = 2000, heldBack = Math.ceil(sentences / 4) } = options;
  requireCount('sentimentCorpus: sentences', sentences);
  requireCount('sentimentCorpus: heldBack', heldBack, 0);
  if (sentences + heldBack > MAX_SENTENCES) {
    throw new DatasetError(
      'argument-invalid',
      `sentimentCorpus: asked for ${sentences + heldBack} sentences, the grammar gives at most ${MAX_SENTENCES}. Ask for fewer.`,
    );
  }
  const key = hostKey(seed);
  const next = distinctPairs(foldKey(key, 0));
  return {
    train: shuffled(foldKey(key, 1), take(next, sentences)),
    test: shuffled(foldKey(key, 2), take(next, heldBack)),
  };
}

type Pair = readonly [LabelledText, LabelledText];

function take(next: () => Pair, count: number): LabelledText[] {
  return Array.from({ length: Math.ceil(count / 2) }, next)
    .flat()
    .slice(0, count);
}

function shuffled<T>(key: HostKey, items: readonly T[]): T[] {
  return Array.from(permutation(key, items.length), (i) => items[i] as T);
}

/** Pairs whose bag of words has not come before. Draw i depends on (key, i) only. */
function distinctPairs(key: HostKey): () => Pair {
  const seen = new Set<string>();
  let draw = 0;
  return () => {
    for (;;) {
      const pair = drawPair(chooser(foldKey(key, draw++)));
      if (pair === undefined) continue;
      const bag = pair[0].text.replaceAll(',', '').split(' ').sort();
      if (bag.length < MIN_WORDS || bag.length > MAX_WORDS || seen.has(bag.join(' '))) continue;
      seen.add(bag.join(' '));
      return pair;
    }
  };
}

/** Chooses one of some things; each call uses up one random word of the key. */
type Choose = <T>(from: readonly T[]) => T;

function chooser(key: HostKey): Choose {
  const drawn = bits(key, 64);
  let used = 0;
  return <T>(from: readonly T[]) => {
    const word = drawn[used++] as number;
    return from[Math.floor((word / 2 ** 32) * from.length)] as T;
  };
}

interface Clause {
  readonly subject: string;
  /** '' or words between subject and verb. */
  readonly place: string;
  readonly relative: Relative | null;
  /** null: the subject is the subject, with a copula; else who finds it so. */
  readonly reporter: string | null;
  readonly verb: string;
  readonly negation: string;
  readonly filler: string;
  readonly adjective: string;
}

interface Relative {
  readonly before: string;
  readonly negation: string;
  readonly behind: string;
}

interface Sentence {
  /** `single`: only `first`. `and`: one clause is neutral. Else the connective and where it stands. */
  readonly form: 'single' | 'and' | 'concession first' | 'concession between' | 'contrast';
  readonly connective: string;
  readonly first: Clause;
  readonly second: Clause;
}

function drawPair(choose: Choose): Pair | undefined {
  const sentence = drawSentence(choose);
  const label = sentiment(sentence);
  if (label === undefined) return undefined;
  const twins = reorderings(sentence).filter((twin) => sentiment(twin) === 1 - label);
  if (twins.length === 0) return undefined;
  const twin = choose(twins);
  return [
    { text: render(sentence), label },
    { text: render(twin), label: label === 1 ? 0 : 1 },
  ];
}

function drawSentence(choose: Choose): Sentence {
  const form = choose([
    'single',
    'and',
    'concession first',
    'concession first',
    'concession between',
    'contrast',
    'contrast',
  ] as const);
  const connectives = form === 'contrast' ? words.CONTRASTS : words.CONCESSIONS;
  const first = drawClause(choose, words.SUBJECTS);
  const second = drawClause(
    choose,
    words.SUBJECTS.filter((subject) => subject !== first.subject),
  );
  const relative = drawRelative(choose);
  const neutral = choose(words.NEUTRAL);
  const neutralFirst = choose([true, false]);
  return {
    form,
    connective: choose(connectives),
    first: {
      ...first,
      ...(form === 'single' ? { reporter: null, place: '', relative, verb: 'was' } : {}),
      ...(form === 'and' && neutralFirst ? { adjective: neutral } : {}),
    },
    second: { ...second, ...(form === 'and' && !neutralFirst ? { adjective: neutral } : {}) },
  };
}

function drawClause(choose: Choose, subjects: readonly string[]): Clause {
  const judged = choose([false, false, true]);
  const reporter = choose([...words.REPORTERS, words.NOBODY]);
  const negation = choose(['', '', '', '', '', ...words.NEGATIONS]);
  const copula = choose(words.COPULAS);
  const report = choose(words.REPORTS);
  const place = choose(['', '', ...words.PLACES]);
  const filler = choose(['', '', '', ...words.FILLERS]);
  return {
    subject: choose(subjects),
    place: judged ? '' : place,
    relative: null,
    reporter: judged ? reporter : null,
    verb: judged ? report : copula,
    negation,
    filler: judged ? '' : filler,
    adjective: choose([...words.POSITIVE, ...words.NEGATIVE]),
  };
}

function drawRelative(choose: Choose): Relative {
  const [before, behind] = choose(words.RELATIVES);
  return { before, negation: choose(['', ...words.NEGATIONS]), behind };
}

/** Other sentences of the same words. Not all of them are grammatical or turn the label; the caller looks. */
function reorderings(sentence: Sentence): Sentence[] {
  const { form, first, second } = sentence;
  if (form === 'single') {
    const { relative, negation } = first;
    if (relative === null) return [];
    const moved = { ...first, negation: relative.negation, relative: { ...relative, negation } };
    return [{ ...sentence, first: moved }];
  }
  const other = {
    'concession first': 'concession between',
    'concession between': 'concession first',
  } as const;
  return [
    { ...sentence, first: second, second: first },
    exchange(sentence, ['adjective']),
    exchange(sentence, ['negation']),
    exchange(sentence, ['reporter', 'negation']),
    ...(form in other ? [{ ...sentence, form: other[form as keyof typeof other] }] : []),
  ];
}

/** The sentence with some words of its clauses changed over. */
function exchange(
  sentence: Sentence,
  parts: readonly ('adjective' | 'negation' | 'reporter')[],
): Sentence {
  const { first, second } = sentence;
  const from = (clause: Clause): Partial<Clause> =>
    Object.fromEntries(parts.map((part) => [part, clause[part]]));
  return {
    ...sentence,
    first: { ...first, ...from(second) },
    second: { ...second, ...from(first) },
  };
}

/** 1 positive, 0 negative, undefined: no sentence that the grammar allows. */
function sentiment(sentence: Sentence): 0 | 1 | undefined {
  const { form, first, second } = sentence;
  if (!isGrammatical(first) || !isGrammatical(second)) return undefined;
  const values = [clauseSentiment(first), clauseSentiment(second)] as const;
  if (form === 'single') return values[0];
  if (form === 'and') return values[0] ?? values[1];
  // What is opposed must differ: "although it was dull, it was boring" is no English.
  if (values[0] === values[1]) return undefined;
  return form === 'concession between' ? values[0] : values[1];
}

function isGrammatical(clause: Clause): boolean {
  const { reporter, verb, negation } = clause;
  if ((reporter === null) !== (words.COPULAS as readonly string[]).includes(verb)) return false;
  if (reporter === words.NOBODY) return negation === '';
  return negation !== 'not' || verb === 'was';
}

function clauseSentiment(clause: Clause): 0 | 1 | undefined {
  if ((words.NEUTRAL as readonly string[]).includes(clause.adjective)) return undefined;
  const positive = (words.POSITIVE as readonly string[]).includes(clause.adjective);
  const negated = clause.negation !== '' || clause.reporter === words.NOBODY;
  return positive === negated ? 0 : 1;
}

function render({ form, connective, first, second }: Sentence): string {
  const [a, b] = [renderClause(first), renderClause(second)];
  switch (form) {
    case 'single':
      return a;
    case 'and':
      return `${a}, and ${b}`;
    case 'concession first':
      return `${connective} ${a}, ${b}`;
    case 'concession between':
    case 'contrast':
      return `${a}, ${connective} ${b}`;
  }
}

function renderClause(clause: Clause): string {
  const { subject, place, relative, reporter, verb, negation, filler, adjective } = clause;
  const predicate = verb === 'was' ? [verb, negation] : [negation, verb];
  const parts =
    reporter === null
      ? ['the', subject, place, ...renderRelative(relative), ...predicate, filler, adjective]
      : [reporter, ...predicate, 'the', subject, adjective];
  return parts.filter((part) => part !== '').join(' ');
}

function renderRelative(relative: Relative | null): string[] {
  return relative === null ? [] : [relative.before, relative.negation, relative.behind];
}
