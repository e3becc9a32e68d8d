/** What fit promises: the right numbers, one program, no growth, no leaks, room for others. */
import {
  add,
  cast,
  dispose,
  key,
  leaks,
  log,
  mul,
  run,
  sum,
  type Tensor,
  tensor,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  adam,
  binaryAccuracy,
  type DoneEvent,
  encodeParams,
  evaluate,
  type FitEvent,
  fit,
  type Model,
  meanSquaredError,
  memoryStore,
  predict,
  readTree,
  sgd,
  type TrainingData,
  trainingStep,
} from '../src/index.ts';
import { backends } from './backends.ts';
import { loss, type Mlp, mlp, numbersOf, points } from './models.ts';

const metrics = { accuracy: binaryAccuracy };

async function last<P>(events: AsyncIterable<FitEvent<P>>): Promise<DoneEvent<P>> {
  let done: DoneEvent<P> | undefined;
  for await (const event of events) if (event.type === 'done') done = event;
  return done as DoneEvent<P>;
}

describe.each(backends)('on %s', (backendName, create) => {
  test('learns, measures and predicts', async () => {
    const backend = create();
    const optimizer = adam({ learningRate: 0.05 });
    const options = { backend, optimizer, loss, metrics, epochs: 30, batch: 16 };
    const done = await last(fit(mlp, points(160), { ...options, validationSplit: 0.25 }));
    const { history, best } = done;
    expect(history).toHaveLength(30);
    expect(history.at(-1)?.loss).toBeLessThan((history[0]?.loss as number) * 0.8);
    expect(history.at(-1)?.validation?.metrics.accuracy).toBeGreaterThan(0.85);
    const losses = history.map((h) => h.validation?.loss as number);
    expect(best?.loss).toBe(Math.min(...losses));
    expect(best?.epoch).toBe(losses.indexOf(best?.loss as number) + 1);

    const unseen = points(50, 7);
    const params = best?.params as DoneEvent<Mlp>['last']['params'];
    const measured = await evaluate(mlp, params, unseen, { backend, loss, metrics, batch: 16 });
    expect(measured.metrics.accuracy).toBeGreaterThan(0.8);
    const { data, shape } = await predict(mlp, params, unseen, { backend, batch: 16 });
    expect(shape).toEqual([50, 1]);
    const right = Array.from(data, (y, i) => y > 0 === (unseen.targets.data[i] as number) > 0.5);
    expect(right.filter(Boolean).length / 50).toBeCloseTo(measured.metrics.accuracy as number, 6);
    expect(leaks(backend)).toEqual([]);
  });

  test('what is undefined is as if it were left out', async () => {
    const backend = create();
    const none = undefined;
    const unset = { batch: none, seed: none, metrics: none, signal: none };
    const options = { backend, optimizer: adam({ weightDecay: none }), loss, epochs: 1 };
    const data = { ...points(40), lengths: none, mask: none, weights: none };
    const validation = { validation: none, validationSplit: none };
    const checkpoint = { store: memoryStore(), name: none, everySteps: none, resume: none };
    const given = { ...options, ...unset, ...validation, params: none, every: none, shuffle: none };
    const plain = await last(fit(mlp, points(40), { ...options, optimizer: adam() }));
    const { params } = (await last(fit(mlp, data, { ...given, checkpoint }))).last;
    expect(params).toEqual(plain.last.params);
    expect(await evaluate(mlp, params, data, { ...options, ...unset })).toEqual(
      await evaluate(mlp, params, points(40), options),
    );
    expect(await predict(mlp, params, data, { backend, ...unset })).toEqual(
      await predict(mlp, params, points(40), { backend }),
    );
  });

  test('what is measured has the names of the metrics, and the compiler knows them', async () => {
    const backend = create();
    const options = {
      backend,
      optimizer: adam(),
      loss,
      metrics: { yes: binaryAccuracy },
      batch: 4,
    };
    interface Yes {
      readonly yes: number;
    }
    for await (const event of fit(mlp, points(8), { ...options, epochs: 1, validation: points(4) }))
      if (event.type === 'epoch') {
        expectTypeOf(event.metrics).toEqualTypeOf<Yes>();
        expectTypeOf(event.validation?.metrics).toEqualTypeOf<Yes | undefined>();
      } else if (event.type === 'done') {
        expectTypeOf(event.history[0]?.metrics).toEqualTypeOf<Yes | undefined>();
        const { metrics } = await evaluate(mlp, event.last.params, points(4), options);
        expect(metrics.yes).toBe(event.history[0]?.validation?.metrics.yes);
        // @ts-expect-error: nobody asked for it
        expect(metrics.no).toBeUndefined();
      }
  });

  test('the metrics of the steps have the mean of their epoch', async () => {
    const options = { backend: create(), optimizer: adam(), loss, metrics, epochs: 2, batch: 16 };
    const seen: (number | undefined)[] = [];
    for await (const event of fit(mlp, points(64), { ...options, every: 2 })) {
      if (event.type === 'step') {
        expect(event.metrics === null).toBe(event.loss === null);
        expect(event.metrics === null).toBe(event.step % 2 === 1);
      }
    }
    for await (const event of fit(mlp, points(64), options)) {
      if (event.type === 'step') seen.push(event.metrics?.accuracy);
      if (event.type !== 'epoch') continue;
      const mean = seen.splice(0).reduce<number>((sum, a) => sum + (a as number) / 4, 0);
      expect(mean).toBeCloseTo(event.metrics.accuracy as number, 6);
    }
  });

  test('a short last batch counts its own rows only', async () => {
    const backend = create();
    const data = points(10);
    const model: Model<{ w: Tensor }> = {
      init: () => ({ w: tensor([0]) }),
      apply: ({ w }, x) => add(x, w),
    };
    const x = {
      inputs: { data: (data.inputs as { data: Float32Array }).data.slice(0, 10), shape: [10] },
      targets: { data: Float32Array.from({ length: 10 }, (_, i) => i), shape: [10] },
    };
    const optimizer = sgd({ learningRate: 0 });
    const options = { backend, optimizer, loss: meanSquaredError, epochs: 1 };
    const whole = await last(fit(model, x, { ...options, batch: 10, validation: x }));
    const parts = await last(fit(model, x, { ...options, batch: 4, validation: x }));
    expect(parts.history[0]?.loss).toBeCloseTo(whole.history[0]?.loss as number, 5);
    expect(parts.history[0]?.validation?.loss).toBeCloseTo(whole.history[0]?.loss as number, 5);
    const want =
      x.targets.data.reduce((s, t, i) => s + (t - (x.inputs.data[i] as number)) ** 2, 0) / 10;
    expect(whole.history[0]?.loss).toBeCloseTo(want, 4);
  });

  test('what fills a short batch is no input at which the model has no slope', async () => {
    const backend = create();
    const model: Model<{ w: Tensor }> = {
      init: () => ({ w: tensor([0.5]) }),
      apply: ({ w }, x) => mul(log(x), w),
    };
    const x = {
      inputs: { data: Float32Array.of(1, 2, 3, 4, 5), shape: [5] },
      targets: { data: Float32Array.of(0, 1, 1, 2, 2), shape: [5] },
    };
    const optimizer = sgd({ learningRate: 0.1 });
    const options = { backend, optimizer, loss: meanSquaredError, epochs: 2, shuffle: false };
    const done = await last(fit(model, x, { ...options, batch: 3 }));
    let w = 0.5;
    for (const batch of [
      [0, 1, 2],
      [3, 4],
      [0, 1, 2],
      [3, 4],
    ]) {
      const slopes = batch.map((i) => {
        const l = Math.log(x.inputs.data[i] as number);
        return 2 * (w * l - (x.targets.data[i] as number)) * l;
      });
      w -= (0.1 * slopes.reduce((a, b) => a + b)) / batch.length;
    }
    expect(done.last.params.w.data[0]).toBeCloseTo(w, 5);
  });

  test('a step counts where its mask is not zero, a half included', async () => {
    const backend = create();
    const model: Model<{ w: Tensor }> = {
      init: () => ({ w: tensor([1]) }),
      apply: ({ w }, x, { mask }) =>
        add(mul(x, w), sum(cast(mask as Tensor, 'float32'), { axes: 1 })),
    };
    const data = {
      inputs: { data: new Float32Array(2), shape: [2] },
      targets: { data: new Float32Array(2), shape: [2] },
      mask: { data: Float32Array.of(0.5, 0, -0.25, 3, 1, Number.NaN), shape: [2, 3] },
    };
    const params = { w: tensor([1]) };
    const { data: seen } = await predict(model, params, data, { backend });
    expect([...seen]).toEqual([2, 3]);
  });

  test('numbers of half precision keep their fractions, and integers of 64 bits are refused', async () => {
    const { Float16Array } = globalThis as unknown as { Float16Array?: typeof Float32Array };
    const backend = create();
    const model: Model<{ w: Tensor }> = {
      init: () => ({ w: tensor([1]) }),
      apply: ({ w }, x) => mul(x, w),
    };
    const inputs = { data: Float32Array.of(1, 2), shape: [2] };
    const params = { w: tensor([1]) };
    const lossOf = async (data: unknown): Promise<number> => {
      const rows = { inputs, targets: { data: data as Float32Array, shape: [2] } };
      return (await evaluate(model, params, rows, { backend, loss: meanSquaredError })).loss;
    };
    if (Float16Array) expect(await lossOf(Float16Array.of(0.5, 2.5))).toBe(0.25);
    await expect(lossOf(BigInt64Array.of(1n, 2n))).rejects.toMatchObject({ code: 'data-invalid' });
  });

  test('weights of examples choose what is learned', async () => {
    const backend = create();
    const model: Model<{ w: Tensor }> = {
      init: () => ({ w: tensor([0]) }),
      apply: ({ w }, x) => add(x, w),
    };
    const x = {
      inputs: { data: new Float32Array(6), shape: [6] },
      targets: { data: Float32Array.of(1, 1, 1, 5, 5, 5), shape: [6] },
      weights: { data: Uint8Array.of(1, 1, 1, 0, 0, 0), shape: [6] },
    };
    const optimizer = sgd({ learningRate: 0.25 });
    const options = { backend, optimizer, loss: meanSquaredError, epochs: 40, batch: 6 };
    const done = await last(fit(model, x, options));
    expect(done.last.params.w.data[0]).toBeCloseTo(1, 4);
    expect(done.history.at(-1)?.loss).toBeCloseTo(0, 4);
  });

  test('weights below zero, and some that cancel out, give one mean in batches of any size', async () => {
    const backend = create();
    const model: Model<{ w: Tensor }> = { init: () => ({ w: tensor([0]) }), apply: (_, x) => x };
    const params = await readTree(await run(backend, model.init(key(0))));
    const x = {
      inputs: { data: Float32Array.of(1, 2, 3, 4, 5), shape: [5] },
      targets: { data: new Float32Array(5), shape: [5] },
      weights: { data: Float32Array.of(1, -1, 2, 1, 0), shape: [5] },
    };
    const lossOf = async (batch: number): Promise<number> =>
      (await evaluate(model, params, x, { backend, loss: meanSquaredError, batch })).loss;
    // Whole numbers of two digits and their third, moved a few times in float32.
    for (const batch of [1, 2, 3, 4, 5])
      expect(await lossOf(batch)).toBeCloseTo((1 - 4 + 2 * 9 + 16) / 3, 5);
  });

  test('a mask of bools may be the weights too, and counts each step once', async () => {
    const backend = create();
    const model: Model<{ w: Tensor }> = {
      init: () => ({ w: tensor([0.5]) }),
      apply: ({ w }, x) => mul(x, w),
    };
    const x = {
      inputs: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] },
      targets: { data: new Float32Array(6), shape: [3, 2] },
    };
    const steps = [1, 0, 255, 2, 0, 1];
    const options = { backend, optimizer: sgd({ learningRate: 0.01 }), loss: meanSquaredError };
    const trained = async (weights: object): Promise<number[]> =>
      numbersOf(
        await last(
          fit(model, { ...x, weights } as never, {
            ...options,
            epochs: 2,
            batch: 2,
            validation: x,
          }),
        ),
      );
    const plain = Float32Array.from(steps, (s) => Number(s !== 0));
    const want = await trained({ data: plain, shape: [3, 2] });
    expect(want).not.toContain(Number.NaN);
    for (const data of [Uint8Array.from(steps), Float32Array.from(steps, (s) => s / 2)])
      expect(await trained({ data, shape: [3, 2], dtype: 'bool' })).toEqual(want);
  });

  test('the same seed gives the same bits, another seed others', async () => {
    const options = { optimizer: adam(), loss, epochs: 2, batch: 16 };
    const bits = async (seed: number): Promise<number[]> =>
      numbersOf(await last(fit(mlp, points(40), { ...options, backend: create(), seed })));
    const first = await bits(3);
    expect(await bits(3)).toEqual(first);
    expect(await bits(4)).not.toEqual(first);
  });

  test('starts from given parameters, and leaves tensors of the caller alone', async () => {
    const backend = create();
    const given = await run(backend, mlp.init(tensor({ data: Uint32Array.of(0, 5), shape: [2] })));
    const before = numbersOf(await Promise.all([given.out.w.read(), given.hidden.w.read()]));
    const optimizer = sgd({ learningRate: 0 });
    const options = { backend, optimizer, loss, epochs: 1, params: given };
    const done = await last(fit(mlp, points(20), options));
    const { out, hidden } = done.last.params;
    expect(numbersOf([out.w, hidden.w])).toEqual(before);
    expect(numbersOf(await Promise.all([given.out.w.read(), given.hidden.w.read()]))).toEqual(
      before,
    );
    expect(leaks(backend)).toHaveLength(3);
    dispose(given); // which held them until here: what nobody holds is given back at any time
    expect(leaks(backend)).toEqual([]);
  });

  test('one program to train and one to evaluate, and no allocation after the tenth step', async () => {
    const inner = create() as Backend;
    const counts = { alloc: 0, compile: 0 };
    const backend: Backend = {
      ...inner,
      alloc: (bytes, label) => {
        counts.alloc++;
        return inner.alloc(bytes, label);
      },
      compile: (program) => {
        counts.compile++;
        return inner.compile(program);
      },
    };
    const epochs = backendName === 'webgpu' ? 30 : 150; // a thousand steps on a GPU: gpu.test.ts
    const allocs: number[] = [];
    const optimizer = adam();
    const options = { backend, optimizer, loss, metrics, clip: { norm: 1 }, batch: 8, every: 3 };
    const data = points(52);
    const validation = points(8, 2);
    for await (const event of fit(mlp, data, { ...options, epochs, validation })) {
      if (event.type === 'step') allocs[event.step] = counts.alloc;
    }
    expect(allocs).toHaveLength(7 * epochs + 1);
    expect(allocs.at(-1)).toBe(allocs[10]);
    expect(counts.compile).toBe(3); // the state, the step, the evaluation
  });

  describe('leaves nothing behind', () => {
    const options = (backend: Backend) => ({
      backend,
      optimizer: adam(),
      loss,
      metrics,
      epochs: 3,
      batch: 8,
      validationSplit: 0.2,
    });

    test('after its end', async () => {
      const backend = create() as Backend;
      await last(fit(mlp, points(30), options(backend)));
      expect(leaks(backend)).toEqual([]);
    });

    test.each([1, 2, 5, 8])('after a break at event %d', async (n) => {
      const backend = create() as Backend;
      let seen = 0;
      for await (const _ of fit(mlp, points(30), options(backend))) if (++seen === n) break;
      expect(leaks(backend)).toEqual([]);
    });

    test('after an abort, which throws the reason of the signal', async () => {
      const backend = create() as Backend;
      const controller = new AbortController();
      const { signal } = controller;
      const events = fit(mlp, points(30), { ...options(backend), signal });
      const seen: string[] = [];
      const training = (async () => {
        for await (const event of events) {
          seen.push(event.type);
          if (event.type === 'epoch') controller.abort(new Error('enough'));
        }
      })();
      await expect(training).rejects.toThrow('enough');
      expect(seen.at(-1)).toBe('epoch');
      expect(leaks(backend)).toEqual([]);
    });

    test('after an error in a step, in the loop and in a metric', async () => {
      const backend = create() as Backend;
      let runs = 0;
      const failing: Backend = {
        ...backend,
        async compile(program) {
          const executable = await backend.compile(program);
          return {
            ...executable,
            run: (inputs, outputs) => {
              if (++runs === 6) throw new Error('device lost');
              executable.run(inputs, outputs);
            },
          };
        },
      };
      await expect(last(fit(mlp, points(30), options(failing)))).rejects.toThrow('device lost');
      expect(leaks(failing)).toEqual([]);
      const thrown = (async () => {
        for await (const event of fit(mlp, points(30), options(backend)))
          if (event.type === 'step') throw new Error('in the loop');
      })();
      await expect(thrown).rejects.toThrow('in the loop');
      const bad = { ...options(backend), metrics: { all: (y: Tensor): Tensor => y } };
      await expect(last(fit(mlp, points(30), bad))).rejects.toThrow(/metric "all"/);
      expect(leaks(backend)).toEqual([]);
    });

    test('and a tensor that someone else forgot is named with its place', async () => {
      const backend = create() as Backend;
      const held: Tensor[] = []; // what nobody holds is given back at any time
      for await (const event of fit(mlp, points(30), options(backend)))
        if (event.type === 'epoch' && event.epoch === 2)
          held.push(await run(backend, tensor([1, 2, 3])));
      const [leak, ...rest] = leaks(backend);
      expect(rest).toEqual([]);
      expect(leak?.shape).toEqual([3]);
      expect(leak?.place).toMatch(/fit\.test\.ts/);
      dispose(held);
      expect(leaks(backend)).toEqual([]);
    });
  });

  // Not on wasm, where a program is compiled in one piece: on a busy machine that takes longer than this allows.
  test.skipIf(backendName === 'wasm')('timers keep firing while it trains', async () => {
    const backend = create();
    let fired = 0;
    const timer = setInterval(() => {
      fired++;
    }, 5);
    const options = { backend, optimizer: adam(), loss, epochs: 100_000, batch: 4 };
    // Without room between its steps the timer would never fire again, and training not end.
    let steps = 0;
    for await (const event of fit(mlp, points(64), options)) {
      if (event.type !== 'step') continue;
      if (++steps === 1) fired = 0; // compiling leaves room too
      if (fired > 5 && steps > 2) break;
    }
    clearInterval(timer);
    expect(fired).toBeGreaterThan(5);
    expect(steps).toBeGreaterThan(2);
  });

  test('snapshots are of the moment, and nothing runs while nobody pulls', async () => {
    const backend = create();
    const options = { backend, optimizer: sgd({ learningRate: 0.5 }), loss, epochs: 1, batch: 8 };
    const events = fit(mlp, points(24), options);
    const taken: number[][] = [];
    for await (const event of events)
      if (event.type === 'step') {
        taken.push(numbersOf(await event.params()));
        await new Promise((resolve) => setTimeout(resolve, 5));
        expect(numbersOf(await event.params())).toEqual(taken.at(-1));
      } else if (event.type === 'done') expect(numbersOf(event.last.params)).toEqual(taken.at(-1));
    expect(taken).toHaveLength(3);
    expect(taken[0]).not.toEqual(taken[1]);
  });

  test('what does not fit is refused before anything is made', async () => {
    const backend = create();
    const good = { backend, optimizer: adam(), loss, epochs: 1 };
    const data = points(10);
    const short = { ...data, targets: { data: new Float32Array(9), shape: [9] } };
    // By the call itself: a run that nobody pulls, or that is awaited, would say nothing.
    const refused = (f: () => unknown, code: string): void =>
      expect(f).toThrow(expect.objectContaining({ code }));
    refused(() => fit(mlp, short, good), 'data-invalid');
    const plain = { ...data, targets: { data: [...data.targets.data] as never, shape: [10] } };
    refused(() => fit(mlp, plain, good), 'data-invalid');
    refused(() => fit(mlp, data, { ...good, epochs: 0 }), 'option-invalid');
    refused(() => fit(mlp, data, { ...good, batch: 1.5 }), 'option-invalid');
    const both = { ...good, validation: data, validationSplit: 0.5 };
    refused(() => fit(mlp, data, both), 'option-invalid');
    const unmarked = { inputs: data.inputs } as never;
    refused(() => fit(mlp, data, { ...good, validation: unmarked }), 'data-invalid');
    const wide = { ...data, inputs: { data: new Float32Array(20), shape: [10, 2] } };
    await expect(last(fit(mlp, wide, good))).rejects.toMatchObject({ code: 'shape-mismatch' });
    const params = { hidden: { w: tensor([1]), b: tensor([1]) }, out: { w: tensor([1]) } };
    await expect(evaluate(mlp, params, data, { backend, loss })).rejects.toMatchObject({
      code: 'shape-mismatch',
    });
    expect(leaks(backend)).toEqual([]);
  });

  test('data that are no arrays of rows are refused by name', async () => {
    const backend = create();
    const good = { backend, optimizer: adam(), loss, epochs: 1 };
    const data = points(4);
    const steps = { data: new Float32Array(8), shape: [4, 2, 1] };
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ targets: data.targets.data }, /"targets" is a Float32Array. Give { data, shape }/],
      [{ inputs: tensor([[1]]) }, /"inputs" is a Tensor. .* readTree/],
      [{ inputs: undefined }, /inputs is undefined. Give { inputs }/],
      [{ weight: data.targets }, /no place for "weight". Names are inputs, targets, /],
      [
        { inputs: { data: new Float32Array(), shape: [4, 0, 3] } },
        /\[4,0,3\], in which an axis is/,
      ],
      [{ weights: { data: [1, 1, 1, 1], shape: [4] } }, /typed array of numbers, got Array of 4/],
      [{ lengths: { data: Int32Array.of(1, 1, 3, 1), shape: [4] } }, /3 for row 2.*0 to 2/],
      [{ lengths: { data: Int32Array.of(1, -1, 2, 1), shape: [4] } }, /-1 for row 1/],
      [{ lengths: { data: Float32Array.of(0.5, 1, 2, 1), shape: [4] } }, /0.5 for row 0/],
    ];
    for (const [wrong, message] of cases) {
      const given = { ...data, ...('lengths' in wrong && { inputs: steps }), ...wrong };
      const error = { code: 'data-invalid', message: expect.stringMatching(message) };
      expect(() => fit(mlp, given as never, good)).toThrow(expect.objectContaining(error));
    }
    expect(() => fit(mlp, null as never, good)).toThrow(/data: is null. Give a record of inputs/);
    // What stands beside the numbers of an array is nobody's business.
    const padded = { ...data.inputs, lengths: new Int32Array(4), name: 'points' };
    expect(() => fit(mlp, { ...data, inputs: padded }, good)).not.toThrow();
    expect(() => encodeParams({ w: tensor([1]) })).toThrow(/"w" is a tensor. .*readTree/);
  });

  test('a loss or metric that leaves weights out is refused where rows count differently', async () => {
    const options = { backend: create(), optimizer: adam(), epochs: 1, batch: 4 };
    const plain = (y: Tensor, t: Tensor): Tensor => loss(y, t);
    const even = points(8);
    const weights = { data: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 2), shape: [8] };
    const train = (data: TrainingData, measures: object) =>
      last(fit(mlp, data, { ...options, loss, ...measures }));
    for (const data of [points(9), { ...even, weights }]) {
      await expect(train(data, { loss: plain })).rejects.toThrow(/^loss: does not use .*weights/);
      const metrics = { plain };
      await expect(train(data, { metrics })).rejects.toThrow(/^metric "plain": does not use/);
      await expect(train(even, { validation: data, metrics })).rejects.toThrow(/^metric "plain"/);
    }
    const done = await train(even, { loss: plain, metrics: { plain }, validation: even });
    expect(done.history[0]?.metrics.plain).toBe(done.history[0]?.loss);
  });

  test('lengths beside inputs that are padded on the left are refused, where there is padding', async () => {
    const options = { backend: create(), optimizer: adam(), loss, epochs: 1 };
    const given = (padding: 'pre' | 'post', length: number) => ({
      ...points(2),
      inputs: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2, 1], padding },
      lengths: { data: Int32Array.of(2, length), shape: [2] },
    });
    const summed: Model<Tensor> = {
      init: () => tensor(1),
      apply: (w, x) => mul(sum(x, { axes: [1, 2] }), w),
    };
    const train = async (data: ReturnType<typeof given>) => last(fit(summed, data, options));
    await expect(train(given('pre', 1))).rejects.toThrow(/on the left.*paddingMask\(inputs\)/);
    for (const fine of [given('pre', 2), given('post', 1)])
      expect((await train(fine)).type).toBe('done');
  });

  test('options that are something else are refused before the first step', () => {
    const good = { backend: create(), optimizer: adam(), loss, epochs: 1 };
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ backend: Promise.resolve(create()) }, /backend has no method alloc.*await wasm/],
      [{ loss: undefined }, /loss is undefined. Give a function/],
      [{ optimizer: adam }, /optimizer has no method init. Give what adam\(\)/],
      [{ metrics: binaryAccuracy }, /metrics is a function. Give a record/],
      [{ metrics: { accuracy: 1 } }, /metric "accuracy" is 1/],
      [{ checkpoint: { resume: true } }, /checkpoint.store has no method read/],
      [{ checkpoint: memoryStore() }, /checkpoint: there is no option "read". Options are store/],
      [{ checkpoint: null }, /checkpoint: options are null. Give/],
      [{ clip: 1 }, /clip: options are 1. Give a record of norm/],
      [{ clip: { max: 1 } }, /clip: there is no option "max". Options are norm, tensorNorm, value/],
      [{ clip: {} }, /clip has 0 bounds. Give { norm }/],
      [{ clip: { norm: 1, value: 1 } }, /one of them/],
      [{ seed: -1 }, /seed is -1/],
      [{ epochs: '3' }, /epochs is "3". Give a whole number/],
      [{ batchsize: 8 }, /fit: there is no option "batchsize". Options are backend, loss/],
    ];
    for (const [wrong, message] of cases)
      expect(() => fit(mlp, points(4), { ...good, ...wrong })).toThrow(
        expect.objectContaining({
          code: 'option-invalid',
          message: expect.stringMatching(message),
        }),
      );
    expect(() => fit(mlp, points(4), undefined as never)).toThrow(/fit: options are undefined/);
  });

  test('what is no model is refused by what it lacks', async () => {
    const backend = create();
    const good = { backend, optimizer: adam(), loss, epochs: 1 };
    const cell = { init: mlp.init, start: () => null, step: () => [null, null] };
    const refusal = (name: string, lacks: string): RegExp =>
      new RegExp(`${name}: model has no method ${lacks}. Give a layer, .* await it`);
    expect(() => fit(cell as never, points(4), good)).toThrow(refusal('fit', 'apply'));
    expect(() => fit(Promise.resolve(mlp) as never, points(4), good)).toThrow(
      refusal('fit', 'init'),
    );
    const params = {} as never;
    await expect(evaluate(cell as never, params, points(4), good)).rejects.toThrow(
      refusal('evaluate', 'apply'),
    );
    await expect(predict(cell as never, params, points(4), good)).rejects.toThrow(
      refusal('predict', 'apply'),
    );
    const step = { optimizer: adam(), loss, key: key(0), batchesPerEpoch: 1 };
    expect(() => trainingStep(cell as never, step)).toThrow(refusal('trainingStep', 'apply'));
  });

  test('evaluate, predict and trainingStep refuse an option that they do not have', async () => {
    const backend = create();
    const params = mlp.init(key(0));
    await expect(
      evaluate(mlp, params, points(4), { backend, loss, batchSize: 2 } as never),
    ).rejects.toThrow(/evaluate: there is no option "batchSize"/);
    await expect(predict(mlp, params, points(4), backend as never)).rejects.toThrow(
      /predict: there is no option/,
    );
    await expect(
      predict(mlp, params, { input: points(4).inputs } as never, { backend }),
    ).rejects.toThrow(/no place for "input". Names are inputs/);
    const step = { optimizer: adam(), loss, key: key(0), batchesPerEpoch: 1, seed: 1 };
    expect(() => trainingStep(mlp, step)).toThrow(/trainingStep: there is no option "seed"/);
  });

  test('parameters of an event are those of its moment or none', async () => {
    const options = { backend: create(), optimizer: adam(), loss, epochs: 2, batch: 4 };
    const readers: (() => Promise<unknown>)[] = [];
    const gone = (): Promise<void> =>
      expect(readers.at(-1)?.()).rejects.toThrow(/before the next event is pulled/);
    for await (const event of fit(mlp, points(8), options)) {
      if (event.type !== 'step') continue;
      if (readers.length > 0) await gone();
      readers.push(event.params);
    }
    expect(readers).toHaveLength(4);
    await gone();
  });
});
