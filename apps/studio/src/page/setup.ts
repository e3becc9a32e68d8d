/** The form: which task, which cell, how large and how long. Knows no run. */
import type { CellChoice, Settings, TaskName } from '../protocol.ts';
import { cellTexts } from './cell-texts.ts';
import { equationEditor } from './editor.ts';
import { byId, count, setText } from './elements.ts';
import { type LadderName, ladderNames, ladders, settingsOf } from './ladders.ts';
import type { Action } from './state.ts';
import type { View } from './view.ts';

const aboutTasks: Readonly<Record<TaskName, string>> = {
  sentiment:
    'Does a sentence speak well of a film? Each has a twin with the same words in another order, and the opposite to say.',
  characters: 'Which character comes next? The model writes on, at first gibberish, then words.',
};

export function setupView(dispatch: (action: Action) => void): View {
  const form = byId('setup', HTMLFormElement);
  const known = byId('cell-known', HTMLElement);
  const own = byId('cell-own', HTMLElement);
  const equations = byId('cell-equations', HTMLPreElement);
  const text = byId('text', HTMLTextAreaElement);
  const seed = byId('seed', HTMLInputElement);
  const change = (change: Partial<Settings>): void => dispatch({ kind: 'change settings', change });
  const choose = (cell: CellChoice): void => change({ cell });
  const editor = equationEditor((equations) => choose({ kind: 'own', equations }));
  const sliders = ladderNames.map((name) => slider(name, change));
  const taskChoice = radios(form, 'task', (task) => change(settingsOf(task as TaskName)));
  let cell: CellChoice = { kind: 'lstm' };
  let typed: string | null = null;
  /** What was typed stays; until something was, it is the cell that was shown. */
  const takeOver = (): void =>
    choose({
      kind: 'own',
      equations: typed ?? (cell.kind === 'own' ? '' : cellTexts[cell.kind].equations),
    });
  const cellChoice = radios(form, 'cell', (kind) => {
    if (kind === 'own') takeOver();
    else choose({ kind: kind as keyof typeof cellTexts });
  });
  byId('cell-take', HTMLButtonElement).addEventListener('click', () => {
    typed = null;
    takeOver();
    byId('equations', HTMLTextAreaElement).focus();
  });
  text.addEventListener('input', () => change({ text: text.value === '' ? null : text.value }));
  let seedTaken = 0;
  const showSeed = (): void => {
    seed.value = String(seedTaken);
    seed.setCustomValidity('');
  };
  seed.addEventListener('input', () => {
    const value = seed.valueAsNumber;
    const taken = Number.isSafeInteger(value) && value >= 0;
    seed.setCustomValidity(taken ? '' : `A whole number from 0 on, please; ${seedTaken} stays.`);
    if (taken) change({ seed: value });
    else seed.reportValidity();
  });
  seed.addEventListener('blur', showSeed);
  form.addEventListener('submit', (event) => event.preventDefault());

  return {
    show({ settings }) {
      taskChoice(settings.task);
      setText(byId('task-about', HTMLElement), aboutTasks[settings.task]);
      cell = settings.cell;
      cellChoice(cell.kind);
      known.hidden = cell.kind === 'own';
      own.hidden = cell.kind !== 'own';
      if (cell.kind === 'own') {
        typed = cell.equations;
        editor.show(cell.equations);
        setText(
          byId('cell-about', HTMLElement),
          'Equations of one step. They become gradients and kernels as they are.',
        );
      } else {
        const about = cellTexts[cell.kind];
        setText(byId('cell-about', HTMLElement), about.about);
        setText(equations, about.equations);
      }
      for (const show of sliders) show(settings);
      for (const field of form.querySelectorAll<HTMLElement>('[data-task]'))
        field.hidden = field.dataset.task !== settings.task;
      seedTaken = settings.seed;
      if (document.activeElement !== seed) showSeed();
      if (document.activeElement !== text) text.value = settings.text ?? '';
    },
  };
}

/** A group of radio buttons: calls back when one is chosen, and gives what shows the chosen one. */
function radios(
  form: HTMLFormElement,
  name: string,
  chosen: (value: string) => void,
): (value: string) => void {
  const inputs = [...form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)];
  for (const input of inputs) input.addEventListener('change', () => chosen(input.value));
  return (value) => {
    for (const input of inputs) input.checked = input.value === value;
  };
}

/** A slider over the steps of a ladder, which are not evenly spaced. */
function slider(
  name: LadderName,
  change: (change: Partial<Settings>) => void,
): (settings: Settings) => void {
  const steps: readonly number[] = ladders[name];
  const input = byId(name, HTMLInputElement);
  const output = byId(`${name}-value`, HTMLOutputElement);
  input.min = '0';
  input.max = String(steps.length - 1);
  input.step = '1';
  input.addEventListener('input', () => change({ [name]: steps[input.valueAsNumber] }));
  return (settings) => {
    const value = settings[name];
    const at = steps.indexOf(value);
    const shown = value < 1 ? String(value) : count(value);
    if (input.valueAsNumber !== at) input.value = String(at);
    input.setAttribute('aria-valuetext', shown);
    fill(input);
    setText(output, shown);
  };
}

/** How much of the track is behind the thumb: the style sheet cannot know. */
export function fill(input: HTMLInputElement): void {
  const [low, high] = [Number(input.min), Number(input.max)];
  input.style.setProperty('--filled', `${((input.valueAsNumber - low) / (high - low)) * 100}%`);
}
