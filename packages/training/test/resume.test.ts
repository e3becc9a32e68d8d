/** A run that is interrupted anywhere and resumed gives the bits of one that was not. */
import { key, leaks } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import {
  adagrad,
  adam,
  adamW,
  binaryAccuracy,
  type DoneEvent,
  decodeParams,
  decodeSafetensors,
  encodeParams,
  encodeSafetensors,
  evaluate,
  type FitEvent,
  type FitOptions,
  fit,
  memoryStore,
  type Optimizer,
  rmsprop,
  type Store,
  sgd,
} from '../src/index.ts';
import { backends } from './backends.ts';
import { loss, type Mlp, mlp, numbersOf, points } from './models.ts';

const optimizers: { readonly [name: string]: () => Optimizer } = {
  adam: () => adam({ learningRate: 0.05 }),
  'sgd with momentum and clipping': () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
};
const data = points(30); // 24 rows to train with, 4 steps per epoch with a short last batch

const optionsOf = (backend: Backend, optimizer: Optimizer): FitOptions<Mlp> => ({
  backend,
  optimizer,
  loss,
  metrics: { accuracy: binaryAccuracy },
  clip: { norm: 0.5 },
  epochs: 3,
  batch: 7,
  seed: 11,
  validationSplit: 0.2,
});

/** Events that carry numbers, by what they are of; a resumed run repeats some. */
type Seen = Map<string, number[]>;

/** Runs until `stop` says so. */
async function train(
  options: FitOptions<Mlp>,
  seen: Seen,
  stop: (event: FitEvent<Mlp>) => boolean = () => false,
): Promise<DoneEvent<Mlp> | null> {
  for await (const event of fit(mlp, data, options)) {
    if (event.type === 'step')
      seen.set(`step ${event.step}`, [event.loss as number, event.gradientNorm as number]);
    if (event.type === 'epoch')
      seen.set(`epoch ${event.epoch}`, numbersOf([event.loss, event.metrics, event.validation]));
    if (event.type === 'done') return event;
    if (stop(event)) return null;
  }
  return null;
}

/** Each moment on the fast backend with Adam; some of them on the others. */
const moments = (count: number, all: boolean): number[] =>
  Array.from({ length: count }, (_, i) => i + 1).filter((n) => all || n % 5 === 2);

describe.each(backends)('on %s', (backendName, create) => {
  describe.each(Object.entries(optimizers))('%s', (name, make) => {
    test('broken off at each event in turn, and resumed', async () => {
      const whole: Seen = new Map();
      const done = await train(optionsOf(create(), make()), whole);
      const bits = numbersOf(done);
      // 12 steps, 3 epochs; checkpoints are only written when the loop breaks and at the ends of epochs
      for (const at of moments(18, backendName === 'cpu' && name === 'adam')) {
        const backend = create();
        const checkpoint = { store: memoryStore(), resume: true };
        const options = { ...optionsOf(backend, make()), checkpoint };
        const seen: Seen = new Map();
        let events = 0;
        await train(options, seen, () => ++events === at);
        const resumed = await train(options, seen);
        expect(numbersOf(resumed), `event ${at}`).toEqual(bits);
        expect(seen, `event ${at}`).toEqual(whole);
        expect(leaks(backend)).toEqual([]);
      }
    });
  });

  test('aborted mid-epoch, twice, and resumed with another backend object', async () => {
    const whole: Seen = new Map();
    const done = await train(optionsOf(create(), adam()), whole);
    const store = memoryStore();
    const seen: Seen = new Map();
    for (const step of [2, 6]) {
      const controller = new AbortController();
      const { signal } = controller;
      const checkpoint = { store, name: 'run', resume: true };
      const options = { ...optionsOf(create(), adam()), checkpoint, signal };
      const aborted = train(options, seen, (event) => {
        if (event.type === 'step' && event.step === step) controller.abort();
        return false;
      });
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    }
    const checkpoint = { store, name: 'run', resume: true };
    const resumed = await train({ ...optionsOf(create(), adam()), checkpoint }, seen);
    expect(numbersOf(resumed)).toEqual(numbersOf(done));
    expect(seen).toEqual(whole);
  });

  test('told to stop at any check, those in validation too, and resumed', async () => {
    const done = numbersOf(await train(optionsOf(create(), adam()), new Map()));
    const whole = 1 + 3 * (4 + 1); // opening, then 4 steps and 1 batch of validation in each of 3 epochs
    for (const at of moments(whole, backendName === 'cpu').filter((n) => n > 1)) {
      let checks = 0;
      const signal = {
        get aborted() {
          return ++checks >= at;
        },
        reason: new Error('stop'),
      };
      const checkpoint = { store: memoryStore(), resume: true };
      const options = { ...optionsOf(create(), adam()), checkpoint };
      await expect(train({ ...options, signal }, new Map()), `check ${at}`).rejects.toThrow('stop');
      // Before the first step there is nothing to go on from.
      expect((await checkpoint.store.read('checkpoint')) !== null, `check ${at}`).toBe(at > 2);
      expect(numbersOf(await train(options, new Map())), `check ${at}`).toEqual(done);
      expect(leaks(options.backend)).toEqual([]);
    }
  });

  test('told to stop without a reason, it still writes where it was', async () => {
    const done = numbersOf(await train(optionsOf(create(), adam()), new Map()));
    const checkpoint = { store: memoryStore(), resume: true };
    const options = { ...optionsOf(create(), adam()), checkpoint };
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = train({ ...options, signal }, new Map(), (event) => {
      if (event.type === 'step' && event.step === 2) controller.abort(null);
      return false;
    });
    await expect(aborted).rejects.toThrow('aborted');
    expect(await checkpoint.store.read('checkpoint')).not.toBeNull();
    expect(numbersOf(await train(options, new Map()))).toEqual(done);
  });

  test('a store may hand the bytes on to a worker', async () => {
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      write: (name, bytes) =>
        inner.write(name, structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })),
    };
    const options = { ...optionsOf(create(), adam()), epochs: 1, checkpoint: { store } };
    const sizes: number[] = [];
    for await (const event of fit(mlp, data, options))
      if (event.type === 'checkpoint') sizes.push(event.bytes);
    expect(sizes).toEqual([(await store.read('checkpoint'))?.length]);
  });

  test('lost without a farewell: resumes from the last of its regular checkpoints', async () => {
    const whole: Seen = new Map();
    const done = await train(optionsOf(create(), adam()), whole);
    const { store, freeze } = freezing();
    const seen: Seen = new Map();
    const checkpoint = { store, everySteps: 3, resume: true };
    const options = { ...optionsOf(create(), adam()), checkpoint };
    await train(options, seen, (event) => event.type === 'step' && event.step === 8 && freeze());
    let start: FitEvent<Mlp> | undefined;
    for await (const event of fit(mlp, data, options)) {
      start = event;
      break;
    }
    expect(start).toMatchObject({ type: 'start', resumed: { step: 6, epochs: 1 }, warnings: [] });
    expect(numbersOf(await train(options, seen))).toEqual(numbersOf(done));
    expect(seen).toEqual(whole);
  });

  test("a store may answer with Node's Buffers", async () => {
    const done = await train(optionsOf(create(), adam()), new Map());
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      read: async (name) => {
        const bytes = await inner.read(name);
        return bytes && Buffer.from(bytes);
      },
    };
    const options = { ...optionsOf(create(), adam()), checkpoint: { store, resume: true } };
    await train(options, new Map(), (event) => event.type === 'step' && event.step === 6);
    expect(numbersOf(await train(options, new Map()))).toEqual(numbersOf(done));
  });

  test('a finished run resumes to its end, and further if it is given more epochs', async () => {
    const store = memoryStore();
    const checkpoint = { store, resume: true };
    const options = { ...optionsOf(create(), adam()), checkpoint };
    const done = await train(options, new Map());
    const steps: Seen = new Map();
    expect(numbersOf(await train(options, steps))).toEqual(numbersOf(done));
    expect(steps.size).toBe(0);
    const longer = await train({ ...options, epochs: 5 }, steps);
    const { checkpoint: _, ...plain } = options;
    const whole = await train({ ...plain, epochs: 5 }, new Map());
    expect(numbersOf(longer)).toEqual(numbersOf(whole));
  });

  test('another model, optimizer, seed or number of rows is refused by name', async () => {
    const store = memoryStore();
    const checkpoint = { store, resume: true };
    const options = { ...optionsOf(create(), adam()), checkpoint };
    await train(options, new Map(), (event) => event.type === 'step');
    const refused = (other: Partial<FitOptions<Mlp>>, text: RegExp): Promise<void> =>
      expect(train({ ...options, ...other }, new Map())).rejects.toMatchObject({
        code: 'checkpoint-mismatch',
        message: expect.stringMatching(text),
      });
    await refused({ seed: 12 }, /with seed 11, this one has 12/);
    await refused({ batch: 8 }, /with batch 7/);
    await refused({ validationSplit: 0.5 }, /with rows 24, this one has 15/);
    await refused({ optimizer: rmsprop() }, /"state\.optimizer\.slots\.mean/);
    await refused({ optimizer: sgd({ learningRate: 1 }) }, /this run has nothing there/);
    await refused({ metrics: {} }, /"state\.totals\.metrics\.accuracy"/);
    const wider = {
      ...mlp,
      init: (k: Parameters<typeof mlp.init>[0]) => ({ ...mlp.init(k), more: key(1) }),
    };
    await expect(
      (async () => {
        for await (const _ of fit(wider, data, options as never)) break;
      })(),
    ).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
    expect(leaks(options.backend)).toEqual([]);
  });

  test('a file that is damaged or no checkpoint is refused, and nothing is trained', async () => {
    const store = memoryStore();
    const checkpoint = { store, resume: true };
    const options = { ...optionsOf(create(), adam()), checkpoint };
    await train(options, new Map(), (event) => event.type === 'step');
    const good = (await store.read('checkpoint')) as Uint8Array;
    const resume = (bytes: Uint8Array): Promise<unknown> =>
      store.write('checkpoint', bytes).then(() => train(options, new Map()));
    const flipped = good.slice();
    flipped[good.length - 5] = (flipped[good.length - 5] as number) ^ 16;
    await expect(resume(flipped)).rejects.toMatchObject({ code: 'checkpoint-damaged' });
    await expect(resume(good.slice(0, -1))).rejects.toMatchObject({ code: 'checkpoint-damaged' });
    await expect(resume(new Uint8Array())).rejects.toMatchObject({ code: 'checkpoint-damaged' });
    const other = encodeParams({ x: { data: Float32Array.of(1), shape: [1], dtype: 'float32' } });
    await expect(resume(other)).rejects.toMatchObject({ code: 'checkpoint-foreign' });
    const { tensors, metadata } = decodeSafetensors(good);
    const { record: _record, ...bare } = metadata;
    for (const lost of [bare, { ...bare, record: '{"step":' }])
      await expect(resume(encodeSafetensors({ tensors, metadata: lost }))).rejects.toMatchObject({
        code: 'checkpoint-damaged',
      });
    expect(await resume(good)).not.toBeNull();
  });

  test('a store over a Map starts anew, and one that gives no bytes is refused', async () => {
    const options = { ...optionsOf(create(), adam()), epochs: 1 };
    const kept = new Map<string, Uint8Array>();
    const store = {
      read: async (name: string) => kept.get(name) as Uint8Array | null, // undefined at first
      write: async (name: string, bytes: Uint8Array) => void kept.set(name, bytes),
      remove: async (name: string) => void kept.delete(name),
    };
    for (const resumed of [null, { epochs: 1, step: 4 }]) {
      let start: FitEvent<Mlp> | undefined;
      const checkpoint = { store, resume: true };
      for await (const event of fit(mlp, data, { ...options, checkpoint })) start ??= event;
      expect(start).toMatchObject({ type: 'start', resumed });
    }
    const buffers = { ...store, read: async () => new ArrayBuffer(8) as never };
    await expect(
      train({ ...options, checkpoint: { store: buffers, resume: true } }, new Map()),
    ).rejects.toThrow(/store.read gave a ArrayBuffer for "checkpoint".*Give a Uint8Array/);
  });

  test('what is stopped before its first step leaves the checkpoint of before', async () => {
    const store = memoryStore();
    const options = (resume: boolean) => ({
      ...optionsOf(create(), adam()),
      checkpoint: { store, resume },
    });
    await train(options(false), new Map());
    const before = await store.read('checkpoint');
    await train(options(false), new Map(), (event) => event.type === 'start');
    expect(await store.read('checkpoint')).toEqual(before);
  });

  test("the state of one optimiser is no other one's", async () => {
    const store = memoryStore();
    const run = (optimizer: Optimizer, resume: boolean) =>
      train({ ...optionsOf(create(), optimizer), checkpoint: { store, resume } }, new Map());
    await run(adam(), false);
    await expect(run(adamW(), true)).rejects.toThrow(/optimizer adam, this one has adamW/);
    await run(rmsprop(), false);
    await expect(run(adagrad(), true)).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
  });

  test('parameters are read from checkpoints and from files of their own', async () => {
    const store = memoryStore();
    const backend = create();
    const options = { ...optionsOf(backend, adam()), checkpoint: { store } };
    const done = (await train(options, new Map())) as DoneEvent<Mlp>;
    const like = mlp.init(key(0));
    const file = (await store.read('checkpoint')) as Uint8Array;
    const best = decodeParams(file, like);
    expect(best).toEqual(done.best?.params);
    expect(decodeParams(Buffer.from(file), like)).toEqual(best);
    const own = decodeParams(encodeParams(done.last.params, { note: 'last' }), like);
    expect(own).toEqual(done.last.params);
    const measured = await evaluate(mlp, best, points(30), { backend, loss });
    expect(measured.loss).toBeGreaterThan(0);
    expect(() => decodeParams(file, { other: like })).toThrow(/"best\.other/);
    // Those of a larger model are another function's.
    expect(() => decodeParams(file, { hidden: like.hidden })).toThrow(/at "best\.out\.w"/);
    const larger = encodeParams({ ...done.last.params, more: done.last.params.out.w });
    expect(() => decodeParams(larger, like)).toThrow(/holds a tensor at "more"/);
  });

  test('no part of an epoch beyond the last one is told as that one', async () => {
    const checkpoint = { store: memoryStore(), resume: true };
    const options = { ...optionsOf(create(), adam()), checkpoint };
    await train(options, new Map(), (event) => event.type === 'step' && event.step === 10);
    const shorter = train({ ...options, epochs: 2 }, new Map());
    await expect(shorter).rejects.toThrow(/in the middle of epoch 3, and this run has 2/);
    // A whole epoch is one, however many were asked for.
    await train(options, new Map(), (event) => event.type === 'epoch' && event.epoch === 3);
    const done = await train({ ...options, epochs: 2 }, new Map());
    expect(done?.last.epoch).toBe(3);
  });

  test('what a listener does to the numbers of an epoch reaches nobody else', async () => {
    const options = optionsOf(create(), adam());
    const whole = numbersOf((await train(options, new Map()))?.history);
    const done = await train(options, new Map(), (event) => {
      if (event.type === 'epoch') {
        const { metrics, validation } = event;
        Object.assign(metrics, { accuracy: 99 });
        Object.assign(validation ?? {}, { loss: 99 });
        Object.assign(validation?.metrics ?? {}, { accuracy: 99 });
      }
      return false;
    });
    expect(numbersOf(done?.history)).toEqual(whole);
  });

  test('a store that cannot take the name says so before the first step', async () => {
    const store: Store = {
      ...memoryStore(),
      read: async (name) => {
        throw new Error(`no file can be called ${name}`);
      },
    };
    const seen: Seen = new Map();
    const options = { ...optionsOf(create(), adam()), checkpoint: { store, name: 'a/b' } };
    await expect(train(options, seen)).rejects.toThrow('no file can be called a/b');
    expect(seen.size).toBe(0);
  });
});

test('a run that goes on elsewhere says so', async () => {
  const store = memoryStore();
  const checkpoint = { store, resume: true };
  const [first, second] = backends.map(([, create]) => create()) as [Backend, Backend];
  await train({ ...optionsOf(first, adam()), checkpoint }, new Map(), (e) => e.type === 'step');
  for await (const event of fit(mlp, data, { ...optionsOf(second, adam()), checkpoint })) {
    expect(event.type === 'start' && event.warnings).toEqual([
      expect.stringMatching(/written on reference .* goes on on cpu/),
    ]);
    break;
  }
});

/** A store whose writes stop reaching it, as if the process were gone. */
function freezing(): { store: Store; freeze: () => true } {
  const inner = memoryStore();
  let frozen = false;
  return {
    store: {
      ...inner,
      async write(name, bytes) {
        if (frozen) frozen = false;
        else await inner.write(name, bytes);
      },
    },
    freeze() {
      frozen = true;
      return true;
    },
  };
}
