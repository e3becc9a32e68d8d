/** A text of the visitor: what the model says of it, or how it goes on. */
import type { Example, Look, Sample } from '../protocol.ts';
import { byId, decimal, make, percent, setText } from './elements.ts';
import { fill } from './setup.ts';
import { type Action, type Run, type State, shownTask } from './state.ts';
import type { View } from './view.ts';

export function askView(dispatch: (action: Action) => void): View {
  const input = byId('watched', HTMLInputElement);
  const example = byId('example', HTMLButtonElement);
  const note = byId('ask-note', HTMLElement);
  const parts = [...document.querySelectorAll<HTMLElement>('[data-shown]')];
  const title = byId('inside-title', HTMLElement);
  const label = byId('watched-label', HTMLElement);
  const verdict = verdictView();
  const writing = writingView(dispatch);
  const words = byId('vocabulary', HTMLElement);
  let examples: readonly Example[] = [];
  let next = 0;
  let vocabulary: readonly string[] | null = null;

  const watch = (text: string): void => dispatch({ kind: 'watch', text });
  input.addEventListener('input', () => watch(input.value));
  example.addEventListener('click', () => {
    const chosen = examples[next++ % Math.max(1, examples.length)];
    if (chosen) watch(chosen.text);
  });

  return {
    show(state) {
      const { run } = state;
      const task = shownTask(state);
      const text = state.texts[task];
      if (input.value !== text) input.value = text;
      const isSentiment = task === 'sentiment';
      setText(title, isSentiment ? 'Try a sentence' : 'Let it write');
      setText(label, isSentiment ? 'Your sentence' : 'What it begins with');
      for (const part of parts) part.hidden = part.dataset.shown !== task;
      examples = run?.facts?.examples ?? [];
      example.hidden = !isSentiment;
      example.disabled = examples.length === 0;
      setText(note, noteOf(run, text, examples));
      verdict(run?.look ?? null);
      writing(state);
      const known = isSentiment ? (run?.facts?.vocabulary ?? []) : [];
      if (known !== vocabulary) {
        vocabulary = known;
        words.replaceChildren(
          ...(known.length > 0 ? known.map(chip) : ['They are counted when it trains.']),
        );
      }
    },
  };

  function chip(word: string): HTMLElement {
    const button = make('button', { type: 'button' }, word);
    button.addEventListener('click', () => watch(`${input.value.trimEnd()} ${word}`.trimStart()));
    return button;
  }
}

/** What there is to know about the text beside what the model says of it. */
function noteOf(run: Run | null, text: string, examples: readonly Example[]): string {
  const look = run?.look;
  if (!look) return '';
  const unknown = [...new Set(look.tokens.filter((t) => !t.known).map((t) => t.text))];
  const label = examples.find((e) => e.text === text)?.label;
  const meant = label === 1 ? 'positive' : 'negative';
  return [
    label === null || label === undefined
      ? ''
      : `It was written to be ${meant}, and held back from training.`,
    unknown.length > 0 ? `Not known, so not seen: ${unknown.map((t) => `“${t}”`).join(', ')}.` : '',
  ]
    .join(' ')
    .trim();
}

function verdictView(): (look: Look | null) => void {
  const bar = byId('bar', HTMLElement);
  const needle = byId('needle', HTMLElement);
  const verdict = byId('verdict', HTMLElement);
  return (look) => {
    const positive = look?.positive ?? null;
    bar.classList.toggle('unknown', positive === null);
    if (positive === null) {
      const missing = look ? 'No word of it is known.' : 'Train to hear what it thinks.';
      if (verdict.textContent !== missing) verdict.replaceChildren(missing);
      return;
    }
    needle.style.left = `${positive * 100}%`;
    const [word, share] = positive >= 0.5 ? ['positive', positive] : ['negative', 1 - positive];
    const said = `${percent(share)} sure`;
    if (verdict.textContent === `${word} ${said}`) return;
    verdict.replaceChildren(make('strong', {}, word), ` ${said}`);
  };
}

function writingView(dispatch: (action: Action) => void): (state: State) => void {
  const written = byId('written', HTMLElement);
  const temperature = byId('temperature', HTMLInputElement);
  const value = byId('temperature-value', HTMLOutputElement);
  const next = byId('next', HTMLElement);
  let sample: Sample | null | undefined;
  let look: Look | null | undefined;
  temperature.addEventListener('input', () =>
    dispatch({ kind: 'set temperature', temperature: temperature.valueAsNumber }),
  );
  byId('sample-again', HTMLButtonElement).addEventListener('click', () =>
    dispatch({ kind: 'sample again' }),
  );
  return ({ run, temperature: t }) => {
    if (temperature.valueAsNumber !== t) temperature.value = String(t);
    fill(temperature);
    setText(value, decimal(t));
    if (sample !== run?.sample) {
      sample = run?.sample ?? null;
      written.replaceChildren(
        ...(sample ? [make('span', { class: 'prompt' }, sample.prompt), sample.text] : []),
      );
    }
    if (!sample && written.textContent === '') setText(written, 'Train to see it write.');
    if (look !== run?.look) {
      look = run?.look ?? null;
      next.replaceChildren(...(look?.next ?? []).map(likely));
    }
  };
}

function likely({ character, chance }: Look['next'][number]): HTMLElement {
  const bar = make('i');
  bar.style.height = `${Math.max(2, chance * 44)}px`;
  return make('div', {}, percent(chance), bar, make('b', {}, visible(character)));
}

/** White space that can be seen. */
export const visible = (text: string): string =>
  text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
