/** The page: one state, views that show it, and a worker that it talks to. */
import type { FromWorker, ToWorker } from '../protocol.ts';
import { readAddress } from './address.ts';
import { askView } from './ask.ts';
import { backendView } from './backend.ts';
import { curvesView } from './curves.ts';
import { heatView } from './heat.ts';
import { setupView } from './setup.ts';
import { type Action, initialState, opening, type State, update } from './state.ts';
import { transportView } from './transport.ts';

const { settings, choice } = readAddress(location.search);
let state: State = initialState(settings, choice);
let worker: Worker | null = null;
let isDue = false;

const views = [
  setupView(dispatch),
  backendView(dispatch),
  transportView(dispatch),
  curvesView(),
  askView(dispatch),
  heatView(),
];

function dispatch(action: Action): void {
  const next = update(state, action);
  state = next.state;
  next.messages.forEach(tell);
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    show();
  });
}

function show(): void {
  for (const view of views) view.show(state);
}

function tell(message: ToWorker): void {
  worker ??= openWorker();
  worker.postMessage(message);
}

function openWorker(): Worker {
  const made = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module' });
  let hasSpoken = false;
  made.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    hasSpoken = true;
    dispatch({ kind: 'heard', message: data });
  });
  made.addEventListener('error', ({ message }) => {
    made.terminate();
    worker = null; // the next message makes another one: at once if this one has worked
    if (hasSpoken) {
      dispatch({ kind: 'crashed', message: `The worker broke: ${message || 'no reason given'}.` });
    } else {
      const text = `The worker does not start: ${message || 'its script cannot be loaded'}. Choose a backend to try once more, or load the page again.`;
      dispatch({ kind: 'heard', message: { kind: 'failed', run: null, message: text } });
    }
  });
  return made;
}

show();
tell(opening(state));
