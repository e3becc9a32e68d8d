/** The words of the generated corpus. Knows no grammar: how they are joined is said in sentiment-corpus.ts. */

/** What is judged; "the" goes before. */
export const SUBJECTS = [
  'film',
  'movie',
  'story',
  'plot',
  'acting',
  'music',
  'ending',
  'script',
  'cast',
  'dialogue',
  'photography',
  'opening',
] as const;

/** May follow a subject, and only makes its adjective more distant. */
export const PLACES = [
  'in the second half',
  'of this young director',
  'in the last scene',
  'on the big screen',
  'that evening',
] as const;

/** "was" takes every negation behind it, the others take "never" and "hardly" before. */
export const COPULAS = ['was', 'was', 'was', 'felt', 'seemed', 'looked'] as const;

/** Who judges, in "most people found the plot dull". */
export const REPORTERS = [
  'critics',
  'my sister',
  'my friends',
  'most people',
  'everyone',
  'the whole audience',
] as const;

/** A reporter that is itself a negation. */
export const NOBODY = 'nobody';

export const REPORTS = ['found', 'considered', 'called'] as const;

export const NEGATIONS = ['not', 'never', 'hardly'] as const;

/** May stand between a negation and its adjective, and change nothing. */
export const FILLERS = [
  'really',
  'in my opinion',
  'to be honest',
  'as far as i could tell',
  'for most of the time',
  'from start to finish',
  'by any standard',
  'to my eyes and ears',
] as const;

export const POSITIVE = [
  'brilliant',
  'lovely',
  'funny',
  'clever',
  'moving',
  'charming',
  'superb',
  'fresh',
  'gripping',
  'wonderful',
  'elegant',
  'delightful',
] as const;

export const NEGATIVE = [
  'dull',
  'weak',
  'boring',
  'clumsy',
  'awful',
  'silly',
  'tedious',
  'bland',
  'terrible',
  'messy',
  'shallow',
  'dreadful',
] as const;

/** Adjectives that say nothing of liking, so that a negation may fall on nothing. */
export const NEUTRAL = [
  'long',
  'short',
  'old',
  'new',
  'loud',
  'quiet',
  'expensive',
  'modern',
] as const;

/** Relative clauses with a place for a negation that is not in the scope of the sentence: before it, behind it. */
export const RELATIVES = [
  ['which we had', 'seen before'],
  ['which my friends had', 'heard of'],
  ['which critics had', 'mentioned'],
  ['which the cinema had', 'advertised'],
] as const;

/** The clause that follows one of these counts less than the other. */
export const CONCESSIONS = ['although', 'though', 'even though', 'while'] as const;

/** The clause that follows one of these counts more than the other. */
export const CONTRASTS = ['but', 'yet'] as const;
