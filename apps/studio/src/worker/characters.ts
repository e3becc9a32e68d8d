/** Which character comes next. The text is cut into windows; its last tenth is held back. */
import { accuracy, crossEntropy } from '@ostinato/training';
import { littleText } from './little-text.ts';
import { type MakeTask, SettingsError, type Task } from './task.ts';

/** Steps that a character can look back. */
const WINDOW = 40;
/** Windows overlap by half, so that most characters are also met with something before them. */
const STRIDE = WINDOW / 2;
const LEAST = 20 * WINDOW; // so that the last tenth has windows too
const MOST = 200_000;
const MOST_DISTINCT = 200;
const LIKELIEST = 5;

export const characters: MakeTask = ({ text: own }) => {
  const text = Array.from(own ?? littleText());
  if (text.length < LEAST || text.length > MOST)
    throw new SettingsError(
      `The text has ${text.length} characters. Give it ${LEAST} to ${MOST}, or take the studio's own.`,
    );
  const vocabulary = byFrequency(text);
  if (vocabulary.length > MOST_DISTINCT)
    throw new SettingsError(
      `The text has ${vocabulary.length} different characters. Give one with ${MOST_DISTINCT} at most.`,
    );
  const idOf = new Map(vocabulary.map((character, id) => [character, id]));
  const ids = text.map((character) => idOf.get(character) as number);
  const cut = Math.floor(ids.length * 0.9);
  return {
    vocabulary,
    ids: vocabulary.length,
    outputs: vocabulary.length,
    predicts: 'sequence',
    training: windows(ids.slice(0, cut), STRIDE),
    heldBack: windows(ids.slice(cut), WINDOW),
    loss: crossEntropy,
    accuracy,
    examples: [],
    read(prompt) {
      const tokens = Array.from(prompt, (c) => ({ text: c, known: idOf.has(c) }));
      return { tokens, ids: tokens.flatMap(({ text }) => idOf.get(text) ?? []) };
    },
    judge(logits, read) {
      const chances = softmaxRows(logits, vocabulary.length);
      const at = (step: number, id: number): number =>
        chances[step * vocabulary.length + id] as number;
      const last = vocabulary
        .map((character, id) => ({ character, chance: at(read.length - 1, id) }))
        .sort((a, b) => b.chance - a.chance);
      return {
        name: 'expected',
        // Of the first character nothing was said: all are as likely.
        verdicts: Float32Array.from(read, (id, step) =>
          step === 0 ? 1 / vocabulary.length : at(step - 1, id),
        ),
        positive: null,
        next: last.slice(0, LIKELIEST),
      };
    },
  };
};

function byFrequency(text: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([character]) => character);
}

/** Inputs [N, WINDOW], and at each place what comes next. */
function windows(ids: readonly number[], stride: number): Task['training'] {
  const count = Math.floor((ids.length - 1 - WINDOW) / stride) + 1;
  const shape = [count, WINDOW];
  const inputs = new Int32Array(count * WINDOW);
  const targets = new Int32Array(count * WINDOW);
  for (let row = 0; row < count; row++) {
    const from = row * stride;
    inputs.set(ids.slice(from, from + WINDOW), row * WINDOW);
    targets.set(ids.slice(from + 1, from + 1 + WINDOW), row * WINDOW);
  }
  return { inputs: { data: inputs, shape }, targets: { data: targets, shape } };
}

function softmaxRows(logits: Float32Array, size: number): Float32Array {
  const chances = new Float32Array(logits.length);
  for (let from = 0; from < logits.length; from += size) {
    const row = logits.subarray(from, from + size);
    const largest = Math.max(...row);
    const exps = row.map((logit) => Math.exp(logit - largest));
    const total = exps.reduce((a, b) => a + b, 0);
    chances.set(
      exps.map((e) => e / total),
      from,
    );
  }
  return chances;
}
