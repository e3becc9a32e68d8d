/** The page without a page: what the visitor does and the worker says, and what comes of it. */
import { describe, expect, test } from 'vitest';
import { readAddress } from '../src/page/address.ts';
import { decimal } from '../src/page/elements.ts';
import { defaults } from '../src/page/ladders.ts';
import { rangeOf } from '../src/page/range.ts';
import { columnsOf } from '../src/page/series.ts';
import {
  type Action,
  canStart,
  canStep,
  canToggle,
  hasChanges,
  initialState,
  type State,
  update,
} from '../src/page/state.ts';
import type { FromWorker, RunFacts, ToWorker } from '../src/protocol.ts';

const facts: RunFacts = {
  parameters: 10,
  stepsPerEpoch: 4,
  trainingRows: 64,
  heldBackRows: 8,
  vocabulary: ['the'],
  examples: [],
};
const backend = { name: 'cpu', variant: 'plain', tried: ['webgpu: no adapter'], notes: [] };

/** Does one thing after another; gives the state and all that the worker was told. */
function after(
  actions: readonly (Action | FromWorker)[],
  from: State = initialState(defaults, { name: 'auto', software: false }),
): { readonly state: State; readonly told: readonly ToWorker[] } {
  const fromWorker = [
    'opened',
    'started',
    'progress',
    'epoch',
    'rests',
    'looked',
    'sampled',
    'failed',
  ];
  return actions.reduce<{ state: State; told: readonly ToWorker[] }>(
    ({ state, told }, action) => {
      const isHeard = fromWorker.includes(action.kind);
      const next = update(
        state,
        isHeard ? { kind: 'heard', message: action as FromWorker } : (action as Action),
      );
      return { state: next.state, told: [...told, ...next.messages] };
    },
    { state: from, told: [] },
  );
}

const opened: FromWorker = { kind: 'opened', backend };
const started: FromWorker = { kind: 'started', run: 1, facts };
const toggle: Action = { kind: 'toggle' };
const point = { step: 1, loss: 0.7, accuracy: 0.5 };
const kinds = (told: readonly ToWorker[]): string[] => told.map(({ kind }) => kind);

describe('training', () => {
  test('nothing starts before a backend is open, and then a run with what it looks at', () => {
    expect(after([toggle]).told).toEqual([]);
    const { state, told } = after([opened, toggle]);
    expect(state.run).toMatchObject({ id: 1, phase: 'starting', settings: defaults });
    expect(told).toEqual([
      { kind: 'watch', text: state.texts.sentiment, sample: null },
      { kind: 'start', run: 1, settings: defaults, begin: 'resume', order: 1 },
    ]);
    expect(canToggle(state)).toBe(false);
  });

  test('one button starts, pauses and resumes, and starts anew when all is done', () => {
    const running = after([opened, toggle, started]);
    expect(running.state.run?.phase).toBe('running');
    const paused = after([toggle], running.state);
    expect([paused.state.run?.phase, paused.told]).toEqual([
      'paused',
      [{ kind: 'pause', order: 2 }],
    ]);
    const resumed = after([toggle], paused.state);
    expect([resumed.state.run?.phase, resumed.told]).toEqual([
      'running',
      [{ kind: 'resume', order: 3 }],
    ]);
    const done = after([{ kind: 'rests', run: 1, why: 'done', order: 1 }, toggle], resumed.state);
    expect(done.state.run).toMatchObject({ id: 2, phase: 'starting', points: [] });
  });

  test('a rest that a later order has ended changes nothing', () => {
    const { state } = after([opened, toggle, started, toggle, toggle]);
    expect(state.run?.phase).toBe('running');
    const late = after([{ kind: 'rests', run: 1, why: 'paused', order: 2 }], state);
    expect(late.state.run?.phase).toBe('running');
    const due = after([{ kind: 'rests', run: 1, why: 'paused', order: 3 }], state);
    expect(due.state.run?.phase).toBe('paused');
  });

  test('a step begins a run, or is one more of it', () => {
    const first = after([opened, { kind: 'step' }]);
    expect(first.told.at(-1)).toMatchObject({ kind: 'start', begin: 'step' });
    const second = after(
      [started, { kind: 'rests', run: 1, why: 'paused', order: 1 }, { kind: 'step' }],
      first.state,
    );
    expect(second.told).toEqual([{ kind: 'step', order: 2 }]);
    expect(canStep(second.state)).toBe(false);
    expect(after([{ kind: 'step' }], second.state).told).toEqual([]);
  });

  test('points and epochs add up, and those of an earlier run are left out', () => {
    const progress = (run: number): FromWorker => ({
      kind: 'progress',
      run,
      points: [point],
      stepsPerSecond: 12,
    });
    const { state } = after([opened, toggle, started, progress(1), progress(1)]);
    expect(state.run?.points).toEqual([point, point]);
    const again = after([{ kind: 'start over' }, progress(1), progress(2)], state);
    expect(again.state.run?.points).toEqual([point]);
  });

  test('changed settings are for the next run', () => {
    const { state } = after([opened, toggle, started]);
    const changed = after([{ kind: 'change settings', change: { units: 8 } }], state);
    expect([changed.told, hasChanges(changed.state)]).toEqual([[], true]);
    expect(changed.state.run?.settings.units).toBe(defaults.units);
    const again = after([{ kind: 'start over' }], changed.state);
    expect(again.told.at(-1)).toMatchObject({ run: 2, settings: { units: 8 } });
    expect(hasChanges(again.state)).toBe(false);
  });

  test('a cell that does not fit yet cannot start, and keeps no run from going on', () => {
    const cell = { kind: 'own', equations: "h' = tanh(W" } as const;
    const change: Action = { kind: 'change settings', change: { cell } };
    expect(canStart(after([opened, change]).state)).toBe(false);
    expect(after([opened, change, toggle]).told).toEqual([]);
    const { state } = after([opened, toggle, started, change]);
    expect([canToggle(state), canStart(state)]).toEqual([true, false]);
    expect(kinds(after([toggle], state).told)).toEqual(['pause']);
  });
});

describe('what goes wrong', () => {
  test('a run that fails says why, and another can start', () => {
    const failed: FromWorker = { kind: 'failed', run: 1, message: 'no number' };
    const { state } = after([opened, toggle, started, failed]);
    expect(state.run).toMatchObject({ phase: 'failed', message: 'no number' });
    expect(after([toggle], state).state.run).toMatchObject({ id: 2, phase: 'starting' });
  });

  test('no backend', () => {
    const { state } = after([{ kind: 'failed', run: null, message: 'none opens' }]);
    expect(state.backend).toEqual({ status: 'failed', message: 'none opens' });
    expect(canStart(state)).toBe(false);
  });

  test('a worker that breaks ends the run; the new one opens a backend', () => {
    const { state, told } = after([opened, toggle, started, { kind: 'crashed', message: 'broke' }]);
    expect(state.run).toMatchObject({ phase: 'failed', message: 'broke' });
    expect(told.at(-1)).toEqual({ kind: 'open', choice: state.choice });
    expect(canStart(after([opened], state).state)).toBe(true);
  });

  test('another backend ends the run and keeps what it has shown', () => {
    const choice = { name: 'cpu', software: false } as const;
    const { state, told } = after([
      opened,
      toggle,
      started,
      { kind: 'progress', run: 1, points: [point], stepsPerSecond: 1 },
      { kind: 'choose backend', choice },
    ]);
    expect(told.at(-1)).toEqual({ kind: 'open', choice });
    expect(state).toMatchObject({ choice, run: { phase: 'failed', points: [point] } });
  });
});

describe('looking and writing', () => {
  test('each task has a text of its own; the run says which is meant', () => {
    const typed = after([{ kind: 'watch', text: 'dull' }]);
    expect(typed.told).toEqual([{ kind: 'watch', text: 'dull', sample: null }]);
    const { state } = after(
      [
        { kind: 'change settings', change: { task: 'characters' } },
        { kind: 'watch', text: 'at noon' },
      ],
      typed.state,
    );
    expect(state.texts).toEqual({ sentiment: 'dull', characters: 'at noon' });
  });

  test('temperature and seed are told at once', () => {
    const { told } = after([
      { kind: 'change settings', change: { task: 'characters' } },
      { kind: 'set temperature', temperature: 0.2 },
      { kind: 'sample again' },
    ]);
    const prompt = expect.any(String);
    expect(told.map((message) => message.kind === 'watch' && message.sample)).toEqual([
      { prompt, temperature: 0.2, seed: 1 },
      { prompt, temperature: 0.2, seed: 2 },
    ]);
  });
});

test('the address says what to begin with, and what it gets wrong is left out', () => {
  expect(readAddress('')).toEqual({
    settings: defaults,
    choice: { name: 'auto', software: false },
  });
  const equations = "h' = tanh(W x + U h)";
  const asked = readAddress(
    `?task=characters&backend=webgpu&software=1&units=15&epochs=many&seed=7&cell=own&equations=${encodeURIComponent(equations)}`,
  );
  expect(asked.choice).toEqual({ name: 'webgpu', software: true });
  expect(asked.settings).toMatchObject({
    task: 'characters',
    units: 16,
    epochs: 12,
    seed: 7,
    cell: { kind: 'own', equations },
  });
  const odd = readAddress('?task=chess&backend=abacus&units=&cell=own&seed=-1&learningRate=99');
  expect(odd.settings).toEqual({ ...defaults, learningRate: 0.1 });
  expect(odd.choice.name).toBe('auto');
});

test('colours go from 0 to 1 where all values do, and otherwise as far as they must both ways', () => {
  expect(rangeOf([0, 0.4, 1])).toEqual({ isSigned: false, most: 1 });
  expect(rangeOf([-0.1, 0.4])).toEqual({ isSigned: true, most: 1 });
  expect(rangeOf([0, 1.2])).toEqual({ isSigned: true, most: 1.5 });
  expect(rangeOf([-31, 4, Number.NaN, Number.POSITIVE_INFINITY])).toEqual({
    isSigned: true,
    most: 40,
  });
  expect(rangeOf([])).toEqual({ isSigned: false, most: 1 });
});

test('huge numbers keep to few digits', () => {
  expect(rangeOf([-1.2e37]).most).toBe(1.5e37);
  expect([decimal(-4.515149686069246e36, 3), decimal(-4.5, 3)]).toEqual(['−4.515e+36', '−4.500']);
});

test('curves: steps, batches, their mean, and what was held back where an epoch ended', () => {
  const points = [1, 2, 3, 4].map((step) => ({ step, loss: step % 2, accuracy: 0.5 }));
  const epochs = [{ epoch: 1, step: 3, loss: 0.25, accuracy: 0.75 }];
  const [steps, batches, means, held] = columnsOf({ points, epochs, total: 4 }, 'loss');
  expect([steps, batches, held]).toEqual([
    [1, 2, 3, 4],
    [1, 0, 1, 0],
    [null, null, 0.25, null],
  ]);
  // Each step weighs two thirds of the one after it.
  expect(means[0]).toBe(1);
  expect(means[1]).toBeCloseTo(2 / 3 / (2 / 3 + 1), 10);
  const flat = columnsOf({ points, epochs, total: 4 }, 'accuracy')[2];
  for (const mean of flat) expect(mean).toBeCloseTo(0.5, 10);
});
