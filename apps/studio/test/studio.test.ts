/** The worker's side on cpu: trains, pauses to the bit, looks inside, writes on, and survives what visitors do. */
import { cpu } from '@ostinato/backend-cpu';
import { leaks } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { presets } from '../src/equations/presets.ts';
import type { CellChoice, FromWorker, Settings, StepPoint, ToWorker } from '../src/protocol.ts';
import { createStudio } from '../src/worker/studio.ts';

const settings: Settings = {
  task: 'sentiment',
  cell: { kind: 'lstm' },
  units: 8,
  embedding: 6,
  learningRate: 0.01,
  batch: 16,
  epochs: 2,
  seed: 3,
  sentences: 96,
  text: null,
};
const STEPS = 12;

type Kind = FromWorker['kind'];
type Message<K extends Kind> = FromWorker & { readonly kind: K };

interface Visit {
  say(message: ToWorker): void;
  /** The next message of a kind, or one that came and was not asked for yet. */
  next<K extends Kind>(kind: K): Promise<Message<K>>;
  readonly told: readonly FromWorker[];
  readonly backend: Backend;
}

async function visit(): Promise<Visit> {
  const backend = cpu() as unknown as Backend;
  const told: FromWorker[] = [];
  const unread: FromWorker[] = [];
  let wake = (): void => {};
  const studio = createStudio({
    tell(message) {
      told.push(message);
      unread.push(message);
      wake();
    },
    open: async ({ name }) => {
      if (name === 'webgpu') throw new Error('webgpu: there is no adapter');
      return { backend, tried: ['webgpu: there is no adapter', 'cpu: opened'] };
    },
    now: () => performance.now(),
  });
  const next = async <K extends Kind>(kind: K): Promise<Message<K>> => {
    for (;;) {
      const at = unread.findIndex((message) => message.kind === kind);
      if (at >= 0) return unread.splice(at, 1)[0] as Message<K>;
      const failed = unread.find((message) => message.kind === 'failed');
      if (failed?.kind === 'failed') throw new Error(failed.message);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  studio.hear({ kind: 'open', choice: { name: 'auto', software: false } });
  await next('opened');
  return { say: studio.hear, next, told, backend };
}

const start = (overrides: Partial<Settings> = {}, run = 1): ToWorker => ({
  kind: 'start',
  run,
  settings: { ...settings, ...overrides },
  begin: 'resume',
  order: 0,
});

const points = (told: readonly FromWorker[]): StepPoint[] =>
  told.flatMap((message) => (message.kind === 'progress' ? message.points : []));

const epochs = (told: readonly FromWorker[]): unknown[] =>
  told.flatMap((message) => (message.kind === 'epoch' ? [message.point] : []));

/** Trains to the end. */
async function whole(overrides: Partial<Settings> = {}): Promise<readonly FromWorker[]> {
  const { say, next, told } = await visit();
  say({ kind: 'watch', text: 'the plot was dull', sample: null });
  say(start(overrides));
  await next('rests');
  return told;
}

describe('a run', () => {
  test('tells of its beginning, of every step and of every epoch, and rests', async () => {
    const told = await whole();
    expect(told.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['opened', 'started']));
    const started = told.find(({ kind }) => kind === 'started') as Message<'started'>;
    expect(started.facts).toMatchObject({
      stepsPerEpoch: STEPS / 2,
      trainingRows: 96,
      heldBackRows: 500,
    });
    expect(points(told).map(({ step }) => step)).toEqual(
      Array.from({ length: STEPS }, (_, i) => i + 1),
    );
    expect(
      points(told).every(({ loss, accuracy }) => loss > 0 && accuracy >= 0 && accuracy <= 1),
    ).toBe(true);
    expect(epochs(told)).toMatchObject([
      { epoch: 1, step: 6 },
      { epoch: 2, step: 12 },
    ]);
    expect(told.at(-1)).toEqual({ kind: 'rests', run: 1, why: 'done', order: 0 });
  });

  test('paused, taken step by step and resumed, has the bits of one that was not', async () => {
    const want = await whole();
    const { say, next, told } = await visit();
    say({ kind: 'watch', text: 'the plot was dull', sample: null });
    say({ ...start(), begin: 'step' } as ToWorker);
    await next('rests');
    expect(points(told)).toHaveLength(1);
    // Over the end of an epoch, which is told with its last step.
    for (let step = 2; step <= 7; step++) {
      say({ kind: 'step', order: step });
      expect(await next('rests')).toMatchObject({ why: 'paused', order: step });
      expect(points(told)).toHaveLength(step);
      expect(epochs(told)).toHaveLength(step < 6 ? 0 : 1);
    }
    say({ kind: 'watch', text: 'the music was not weak', sample: null });
    say({ kind: 'resume', order: 20 });
    say({ kind: 'pause', order: 21 });
    await next('rests');
    say({ kind: 'watch', text: 'the plot was dull', sample: null });
    say({ kind: 'resume', order: 20 });
    expect((await next('rests')).why).toBe('done');
    expect(points(told)).toEqual(points(want));
    expect(epochs(told)).toEqual(epochs(want));
    const lastLook = (told: readonly FromWorker[]): FromWorker | undefined =>
      told.findLast(({ kind }) => kind === 'looked');
    expect(lastLook(told)).toEqual(lastLook(want));
  });

  test('learns, with a cell of the library and with one that was typed', async () => {
    const text = presets[0]?.equations as string;
    for (const cell of [{ kind: 'gru' }, { kind: 'own', equations: text }] satisfies CellChoice[]) {
      const told = await whole({
        cell,
        units: 16,
        embedding: 16,
        sentences: 600,
        epochs: 12,
        learningRate: 0.02,
      });
      const last = epochs(told).at(-1) as { accuracy: number };
      expect(last.accuracy).toBeGreaterThan(0.8);
    }
  });

  test('is replaced by the next one, and leaves nothing on the backend', async () => {
    const { say, next, told, backend } = await visit();
    say(start({ epochs: 1000 }));
    await next('progress');
    say(start({ task: 'characters', units: 4, epochs: 1000, text: 'to and fro, '.repeat(80) }, 2));
    await next('progress');
    say(start({}, 3));
    await next('rests');
    const after = told.slice(told.findIndex((m) => m.kind === 'started' && m.run === 3));
    expect(new Set(after.map((m) => 'run' in m && m.run))).toEqual(new Set([3]));
    say({ kind: 'open', choice: { name: 'cpu', software: false } });
    await next('opened');
    expect(leaks(backend)).toEqual([]);
  });
});

describe('looking inside', () => {
  test('gates, states and what is said after each word', async () => {
    const { say, next } = await visit();
    say({ kind: 'watch', text: 'The plot, although it was a BANANA, was dull', sample: null });
    say({ ...start(), begin: 'step' } as ToWorker);
    const { look } = await next('looked');
    expect(look.tokens.filter(({ known }) => !known).map(({ text }) => text)).toContain('banana');
    const known = look.tokens.filter((token) => token.known).length;
    expect(look.maps.map(({ kind, name, units }) => [kind, name, units])).toEqual([
      ['verdict', 'positive', 1],
      ...['i', 'f', 'g', 'o'].map((name) => ['gate', name, 8]),
      ['state', 'c', 8],
      ['state', 'h', 8],
    ]);
    for (const { values, units } of look.maps) expect(values.length).toBe(known * units);
    const [verdict, , f] = look.maps;
    expect(look.positive).toBe(verdict?.values.at(-1));
    expect(f?.values.every((value) => value > 0 && value < 1)).toBe(true);
  });

  test('lines of a typed cell in the order in which they were typed, and an output of its own', async () => {
    const { say, next } = await visit();
    say({ kind: 'watch', text: 'dull', sample: null });
    const equations = "q = sigmoid(W x)\na = U h\nb = 2\nh' = q * a + V x\ny = tanh(h')";
    say({ ...start({ cell: { kind: 'own', equations } }), begin: 'step' } as ToWorker);
    const { look } = await next('looked');
    expect(look.maps.map(({ name }) => name)).toEqual(['positive', 'q', 'a', 'h', 'y']);
  });

  test('lines and states may have the names that every object has', async () => {
    const { say, next } = await visit();
    say({ kind: 'watch', text: 'the plot was dull', sample: null });
    const equations =
      "toString = tanh(W x + constructor)\nhasOwnProperty = sigmoid(V x)\n__proto__' = toString + U __proto__";
    say({ ...start({ cell: { kind: 'own', equations } }), begin: 'step' } as ToWorker);
    const { look } = await next('looked');
    expect(look.maps.map(({ kind, name, values }) => [kind, name, values.length])).toEqual([
      ['verdict', 'positive', 4],
      ['gate', 'toString', 4 * 8],
      ['gate', 'hasOwnProperty', 4 * 8],
      ['state', '__proto__', 4 * 8],
    ]);
  });

  test.each(['', 'banana ?!', '😀'])(
    'nothing of %j is known, and that is no mistake',
    async (text) => {
      const { say, next } = await visit();
      say({ kind: 'watch', text, sample: null });
      say({ ...start(), begin: 'step' } as ToWorker);
      const { look } = await next('looked');
      expect(look).toMatchObject({ maps: [], positive: null });
    },
  );

  test('words that are not known are told wherever they stand', async () => {
    const { say, next } = await visit();
    say({ kind: 'watch', text: 'zebra the plot gnu was dull yak', sample: null });
    say({ ...start(), begin: 'step' } as ToWorker);
    const { look } = await next('looked');
    expect(look.tokens.map(({ text }) => text).join(' ')).toBe('zebra the plot gnu was dull yak');
    expect(look.tokens.filter(({ known }) => !known)).toHaveLength(3);
    expect(look.maps[0]?.values).toHaveLength(4);
  });

  test('a text that is too long keeps its end', async () => {
    const { say, next } = await visit();
    say({ kind: 'watch', text: `${'dull '.repeat(90)}banana weak`, sample: null });
    say({ ...start(), begin: 'step' } as ToWorker);
    const { look } = await next('looked');
    expect(look.tokens.filter(({ known }) => known)).toHaveLength(64);
    expect(look.tokens.at(-1)?.text).toBe('weak');
    expect(look.maps[0]?.values).toHaveLength(64);
  });
});

describe('a character model', () => {
  const options: Partial<Settings> = {
    task: 'characters',
    cell: { kind: 'gru' },
    units: 32,
    embedding: 12,
    learningRate: 0.02,
    epochs: 12,
    text: 'one two three four. '.repeat(60),
  };

  test('writes on as the text does, and the same for the same seed', async () => {
    const { say, next } = await visit();
    say(start(options));
    await next('rests');
    const sample = async (temperature: number, seed: number, prompt: string): Promise<string> => {
      say({ kind: 'watch', text: prompt, sample: { prompt, temperature, seed } });
      const { sample } = await next('sampled');
      expect(sample).toMatchObject({ temperature, seed, prompt });
      return sample.text;
    };
    expect(await sample(0, 1, 'one two th')).toMatch(/^ree four\. one two three four\. one two/);
    const drawn = await sample(3, 1, 'one');
    expect(drawn).toHaveLength(320);
    expect(await sample(3, 2, 'one')).not.toBe(drawn);
    expect(await sample(3, 1, 'one')).toBe(drawn);
    expect(await sample(0, 1, '')).toHaveLength(320);
    say({ kind: 'watch', text: 'one tw', sample: null });
    let { look } = await next('looked');
    while (look.text !== 'one tw') ({ look } = await next('looked'));
    expect(look.next[0]?.character).toBe('o');
    expect(look.maps[0]).toMatchObject({ kind: 'verdict', name: 'expected', units: 1 });
    expect(look.maps[0]?.values[5]).toBeGreaterThan(0.3); // w behind t: two or three
  });

  test('the text that comes with the studio can be learned from', async () => {
    const told = await whole({ ...options, text: null, units: 12, epochs: 1, batch: 64 });
    const started = told.find(({ kind }) => kind === 'started') as Message<'started'>;
    expect(started.facts.vocabulary).toContain('\n');
    expect(epochs(told)).toMatchObject([{ epoch: 1 }]);
    const [first, last] = [points(told)[0], points(told).at(-1)];
    expect(last?.loss).toBeLessThan((first?.loss as number) * 0.9);
  });

  test.each([
    ['too short', 'The text has 9 characters'],
    [
      String.fromCodePoint(...Array.from({ length: 900 }, (_, i) => 0x4e00 + i)),
      'has 900 different',
    ],
  ])('refuses a text that it cannot learn from', async (text, why) => {
    const { say, next } = await visit();
    say(start({ ...options, text }));
    await expect(next('started')).rejects.toThrow(why);
  });
});

describe('what goes wrong is told, and the next run works', () => {
  test.each([
    [
      { cell: { kind: 'own', equations: "\nh' = tanh(W" } },
      'Line 2: W begins with a capital letter',
    ],
    [
      { cell: { kind: 'own', equations: "h' = exp(9 * h + W x)" }, learningRate: 1 },
      'is no number any more',
    ],
    [{ batch: 0 }, 'batch'],
    [{ units: -1 }, 'units'],
  ] satisfies [Partial<Settings>, string][])('%j', async (overrides, message) => {
    const { say, next, backend } = await visit();
    say(start({ ...overrides, epochs: 60 }));
    await expect(next('rests')).rejects.toThrow(message);
    const again = await visit();
    expect(leaks(backend)).toEqual([]);
    again.say(start({}, 2));
    expect((await again.next('rests')).why).toBe('done');
  });

  test('a backend that does not open', async () => {
    const { say, next } = await visit();
    say({ kind: 'open', choice: { name: 'webgpu', software: false } });
    await expect(next('opened')).rejects.toThrow('webgpu: there is no adapter');
  });

  test('a run that begins when its backend is gone', async () => {
    const { say, told } = await visit();
    say({ kind: 'open', choice: { name: 'webgpu', software: false } });
    say(start());
    await expect.poll(() => told.at(-1)).toMatchObject({ kind: 'failed', run: 1 });
  });
});
