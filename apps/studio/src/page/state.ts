/**
 * Everything that the page shows, and how it changes: by what the visitor does and by what the worker says. Pure, so
 * that it is tested without a browser. Knows no element.
 */
import { readEquations } from '../equations/read.ts';
import type {
  BackendChoice,
  EpochPoint,
  FromWorker,
  Look,
  OpenBackend,
  RunFacts,
  Sample,
  SampleRequest,
  Settings,
  StepPoint,
  TaskName,
  ToWorker,
} from '../protocol.ts';

export interface State {
  readonly choice: BackendChoice;
  readonly backend:
    | { readonly status: 'opening' }
    | { readonly status: 'failed'; readonly message: string }
    | ({ readonly status: 'open' } & OpenBackend);
  /** Of the next run. */
  readonly settings: Settings;
  readonly run: Run | null;
  readonly runs: number;
  /** The last order that was given. */
  readonly order: number;
  /** What is looked at, for each task. */
  readonly texts: Readonly<Record<TaskName, string>>;
  readonly temperature: number;
  readonly sampleSeed: number;
}

export type Phase = 'starting' | 'running' | 'paused' | 'done' | 'failed';

export interface Run {
  readonly id: number;
  readonly settings: Settings;
  readonly phase: Phase;
  /** Why it failed. */
  readonly message: string | null;
  readonly facts: RunFacts | null;
  readonly points: readonly StepPoint[];
  readonly epochs: readonly EpochPoint[];
  readonly stepsPerSecond: number;
  readonly look: Look | null;
  readonly sample: Sample | null;
}

export type Action =
  | { readonly kind: 'heard'; readonly message: FromWorker }
  /** The worker itself broke; the page has made a new one. */
  | { readonly kind: 'crashed'; readonly message: string }
  | { readonly kind: 'choose backend'; readonly choice: BackendChoice }
  | { readonly kind: 'change settings'; readonly change: Partial<Settings> }
  /** Starts, pauses or resumes, whichever there is to do. */
  | { readonly kind: 'toggle' }
  | { readonly kind: 'step' }
  | { readonly kind: 'start over' }
  | { readonly kind: 'watch'; readonly text: string }
  | { readonly kind: 'set temperature'; readonly temperature: number }
  | { readonly kind: 'sample again' };

export interface Update {
  readonly state: State;
  /** What the worker is to be told, in this order. */
  readonly messages: readonly ToWorker[];
}

export const initialState = (settings: Settings, choice: BackendChoice): State => ({
  choice,
  backend: { status: 'opening' },
  settings,
  run: null,
  runs: 0,
  order: 0,
  texts: {
    sentiment: 'although the plot was dull, the music was not weak',
    characters: 'at dawn the old ferry waits by the quay, and ',
  },
  temperature: 0.7,
  sampleSeed: 1,
});

export const opening = ({ choice }: State): ToWorker => ({ kind: 'open', choice });

/** The task whose texts are shown: the run's, while there is one. */
export const shownTask = ({ run, settings }: State): TaskName =>
  run?.settings.task ?? settings.task;

/** Whether the settings are others than those of the run that is shown. */
export const hasChanges = ({ run, settings }: State): boolean =>
  run !== null && JSON.stringify(run.settings) !== JSON.stringify(settings);

/** The line of typed equations that is not right, or null. */
export function wrongLine({ cell }: Settings): number | null {
  const reading = cell.kind === 'own' ? readEquations(cell.equations) : null;
  return reading === null || reading.ok ? null : reading.problem.at.line;
}

/** A new run. */
export const canStart = ({ backend, run, settings }: State): boolean =>
  backend.status === 'open' && run?.phase !== 'starting' && wrongLine(settings) === null;

export const canToggle = (state: State): boolean =>
  state.run?.phase === 'running' || state.run?.phase === 'paused' || canStart(state);

export const canStep = (state: State): boolean => {
  const phase = state.run?.phase;
  return phase === 'paused' || (phase !== 'running' && phase !== 'done' && canStart(state));
};

export function update(state: State, action: Action): Update {
  const silently = (next: Partial<State>): Update => ({
    state: { ...state, ...next },
    messages: [],
  });
  switch (action.kind) {
    case 'heard':
      return silently(heard(state, action.message));
    case 'crashed': {
      const next: State = {
        ...state,
        backend: { status: 'opening' },
        run: state.run && { ...state.run, phase: 'failed', message: action.message },
      };
      return { state: next, messages: [opening(next)] };
    }
    case 'choose backend': {
      const { choice } = action;
      // A run lives on its backend: what it has shown stays, but it cannot go on.
      const run = state.run && over(state.run, 'It ended when another backend was chosen.');
      const next: State = { ...state, choice, run, backend: { status: 'opening' } };
      return { state: next, messages: [opening(next)] };
    }
    case 'change settings':
      return silently({ settings: { ...state.settings, ...action.change } });
    case 'toggle':
      return toggle(state);
    case 'step':
      if (!canStep(state)) return silently({});
      return state.run?.phase === 'paused' ? order(state, 'step') : start(state, 'step');
    case 'start over':
      return canStart(state) ? start(state, 'resume') : silently({});
    case 'watch': {
      const { text } = action;
      const texts = { ...state.texts, [shownTask(state)]: text };
      return watching({ ...state, texts });
    }
    case 'set temperature':
      return watching({ ...state, temperature: action.temperature });
    case 'sample again':
      return watching({ ...state, sampleSeed: state.sampleSeed + 1 });
  }
}

function toggle(state: State): Update {
  const phase = state.run?.phase;
  if (phase === 'running') return order(state, 'pause');
  if (phase === 'paused') return order(state, 'resume');
  return canStart(state) ? start(state, 'resume') : { state, messages: [] };
}

function start(state: State, begin: 'resume' | 'step'): Update {
  const { settings } = state;
  const id = state.runs + 1;
  const order = state.order + 1;
  const run: Run = {
    id,
    settings,
    phase: 'starting',
    message: null,
    facts: null,
    points: [],
    epochs: [],
    stepsPerSecond: 0,
    look: null,
    sample: null,
  };
  const { state: next, messages } = watching({ ...state, run, runs: id, order });
  return {
    state: next,
    messages: [...messages, { kind: 'start', run: id, settings, begin, order }],
  };
}

/** Tells what to look at and what to write on from. */
function watching(state: State): Update {
  const task = shownTask(state);
  const text = state.texts[task];
  const { temperature, sampleSeed: seed } = state;
  const sample: SampleRequest | null =
    task === 'characters' ? { prompt: text, temperature, seed } : null;
  return { state, messages: [{ kind: 'watch', text, sample }] };
}

/** To a run that is there. A pause shows at once; whether the worker rests it says itself. */
function order(state: State, kind: 'pause' | 'resume' | 'step'): Update {
  const phase: Phase = kind === 'pause' ? 'paused' : 'running';
  const order = state.order + 1;
  const run = state.run && { ...state.run, phase };
  return { state: { ...state, run, order }, messages: [{ kind, order }] };
}

const over = (run: Run, message: string): Run =>
  run.phase === 'done' || run.phase === 'failed' ? run : { ...run, phase: 'failed', message };

function heard(state: State, message: FromWorker): Partial<State> {
  if (message.kind === 'opened') return { backend: { status: 'open', ...message.backend } };
  if (message.kind === 'failed' && message.run === null)
    return { backend: { status: 'failed', message: message.message } };
  const { run } = state;
  // What an earlier run still had to say.
  if (run === null || message.run !== run.id) return {};
  // A rest that another order has ended meanwhile.
  if (message.kind === 'rests' && message.why === 'paused' && message.order !== state.order)
    return {};
  return { run: { ...run, ...heardOf(run, message) } };
}

function heardOf(
  run: Run,
  message: Exclude<FromWorker, { readonly kind: 'opened' }>,
): Partial<Run> {
  switch (message.kind) {
    case 'started':
      return { facts: message.facts, phase: run.phase === 'starting' ? 'running' : run.phase };
    case 'progress':
      return {
        points: [...run.points, ...message.points],
        stepsPerSecond: message.stepsPerSecond,
      };
    case 'epoch':
      return { epochs: [...run.epochs, message.point] };
    case 'rests':
      return { phase: message.why };
    case 'looked':
      return { look: message.look };
    case 'sampled':
      return { sample: message.sample };
    case 'failed':
      return { phase: 'failed', message: message.message };
  }
}
