/** Train, pause, step, start over; and how far it is. */

import { byId, count, percent, plural, setText } from './elements.ts';
import {
  type Action,
  canStart,
  canStep,
  canToggle,
  hasChanges,
  type Phase,
  type State,
  wrongLine,
} from './state.ts';
import type { View } from './view.ts';

const calm = matchMedia('(prefers-reduced-motion: reduce)');

const labels: Readonly<Record<Phase, string>> = {
  starting: 'Preparing…',
  running: 'Pause',
  paused: 'Resume',
  done: 'Train again',
  failed: 'Train again',
};

export function transportView(dispatch: (action: Action) => void): View {
  const toggle = byId('toggle', HTMLButtonElement);
  const step = byId('step', HTMLButtonElement);
  const startOver = byId('start-over', HTMLButtonElement);
  const status = byId('status', HTMLElement);
  const progress = byId('progress', HTMLProgressElement);
  const problem = byId('problem', HTMLElement);
  const announcement = byId('announcement', HTMLElement);
  const curves = byId('curves', HTMLElement);
  const bar = byId('transport', HTMLElement);
  toggle.addEventListener('click', () => dispatch({ kind: 'toggle' }));
  step.addEventListener('click', () => dispatch({ kind: 'step' }));
  startOver.addEventListener('click', () => dispatch({ kind: 'start over' }));
  let said: string | undefined;

  return {
    show(state) {
      const { run } = state;
      setText(toggle, run ? labels[run.phase] : 'Train');
      allow(toggle, canToggle(state));
      allow(step, canStep(state));
      allow(startOver, run !== null && canStart(state));
      const goesOn = run?.phase === 'running' || run?.phase === 'paused';
      startOver.classList.toggle('primary', goesOn && hasChanges(state) && canStart(state));
      setText(status, statusOf(state));
      const taken = run?.points.at(-1)?.step ?? 0;
      progress.value = run?.facts ? taken / (run.facts.stepsPerEpoch * run.settings.epochs) : 0;
      const message = state.backend.status === 'failed' ? state.backend.message : run?.message;
      problem.hidden = !message;
      setText(problem, message ?? '');
      // On a phone the bar is at the bottom of the screen, wherever the curves are.
      if (
        run?.phase === 'starting' &&
        said !== 'starting' &&
        getComputedStyle(bar).position === 'fixed'
      )
        curves.scrollIntoView({ behavior: calm.matches ? 'auto' : 'smooth', block: 'nearest' });
      if (run?.phase !== said) {
        said = run?.phase;
        setText(announcement, announced(state));
      }
    },
  };
}

/** Whether a button does something now. The one that was pressed stays where the keyboard is: disabled, it would lose it. */
function allow(button: HTMLButtonElement, may: boolean): void {
  button.disabled = !may && document.activeElement !== button;
  button.ariaDisabled = may ? null : 'true';
}

function statusOf(state: State): string {
  const { backend, run, settings } = state;
  if (backend.status === 'opening') return 'Opening a backend…';
  if (backend.status === 'failed') return 'Choose another backend at the top of the page.';
  const wrong = wrongLine(state.settings);
  if (wrong !== null && (!run || hasChanges(state)))
    return `Line ${wrong} of the cell does not fit yet.`;
  if (!run) {
    const what =
      settings.task === 'sentiment'
        ? plural(settings.sentences, 'sentence')
        : settings.text === null
          ? 'the diary of a harbour'
          : plural(Array.from(settings.text).length, 'character');
    return `Ready: ${what}, ${plural(settings.epochs, 'epoch')}.`;
  }
  const isOver = run.phase === 'done' || run.phase === 'failed';
  const note = `${isOver ? 'Train again' : 'Start over'} to use the changed settings.`;
  return hasChanges(state) ? `${runStatus(run)} ${note}` : runStatus(run);
}

function runStatus(run: NonNullable<State['run']>): string {
  const { facts, points, epochs, phase, settings } = run;
  if (phase === 'starting') return 'Making the data…';
  const taken = points.at(-1)?.step ?? 0;
  if (!facts || (taken === 0 && phase === 'running')) return 'Compiling the model…';
  const held = epochs.at(-1);
  const right = held ? `${percent(held.accuracy, 1)} right on held-back text` : '';
  const size = plural(facts.parameters, 'parameter');
  if (phase === 'done') return `Done after ${plural(taken, 'step')}: ${right}. ${size}.`;
  if (phase === 'failed') return `Ended after ${plural(taken, 'step')}.`;
  const epoch = Math.min(Math.floor(taken / facts.stepsPerEpoch) + 1, settings.epochs);
  const all = facts.stepsPerEpoch * settings.epochs;
  const where = `Epoch ${epoch} of ${settings.epochs} · step ${count(taken)} of ${count(all)}`;
  if (phase === 'paused') return `Paused. ${where} · ${size}`;
  return `${where} · ${count(run.stepsPerSecond)} steps/s · ${size}`;
}

function announced({ run }: State): string {
  if (!run) return '';
  if (run.phase === 'running') return 'Training.';
  if (run.phase === 'paused') return 'Paused.';
  return run.phase === 'done' ? runStatus(run) : '';
}
