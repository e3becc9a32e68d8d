/** Optimisers against PyTorch's traces, and what one step costs in launches. */
import { compile, explain, run, type Tensor, tensor } from '@ostinato/core';
import { reference } from '@ostinato/core/backend';
import { assertClose, listGoldens, loadGolden, type OptimiserConfig } from '@ostinato/golden';
import { describe, expect, test } from 'vitest';
import {
  adagrad,
  adam,
  adamW,
  clipByGlobalNorm,
  clipByValue,
  cosineDecay,
  exponentialDecay,
  type LearningRate,
  linearWarmup,
  type Optimizer,
  type OptimizerState,
  rmsprop,
  type Schedule,
  sgd,
} from '../src/index.ts';
import { backends } from './backends.ts';

function optimizerOf(config: OptimiserConfig): Optimizer {
  const learningRate = config.lr;
  const weightDecay = config.weight_decay;
  switch (config.algorithm) {
    case 'sgd': {
      const { momentum, nesterov } = config;
      return sgd({ learningRate, momentum, nesterov, weightDecay });
    }
    case 'adam':
    case 'adamw': {
      const [beta1, beta2] = config.betas;
      const make = config.algorithm === 'adam' ? adam : adamW;
      return make({ learningRate, beta1, beta2, epsilon: config.eps, weightDecay });
    }
    case 'rmsprop': {
      const { alpha, momentum, centered, eps: epsilon } = config;
      const options = { learningRate, alpha, momentum, centered, epsilon, weightDecay };
      return rmsprop(options);
    }
    case 'adagrad': {
      const { lr_decay: rateDecay, eps: epsilon } = config;
      return adagrad({ learningRate, rateDecay, epsilon, weightDecay });
    }
  }
}

interface Params {
  a: Tensor;
  b: Tensor;
}

test('a learning rate has the precision of its parameter', async () => {
  const backend = reference();
  const one = tensor({ data: Float64Array.of(1), shape: [1] });
  const optimizer = sgd({ learningRate: 0.1 });
  const [next] = optimizer.update(one, optimizer.init(one), one);
  const { data } = await (await run(backend, next)).read();
  expect(data).toEqual(Float64Array.of(0.9)); // float32's tenth gives 0.8999999985
});

test('a factor of decay is above 0, and finite', () => {
  for (const factor of [-1, Number.POSITIVE_INFINITY, 1e-50, 1e50])
    expect(() => exponentialDecay(1, { steps: 2, factor })).toThrow(`factor is ${factor}`);
});

test.each<[string, (options: never) => unknown, string]>([
  ['sgd', sgd, 'learningRate, momentum, nesterov, weightDecay'],
  ['adam', adam, 'learningRate, beta1, beta2, epsilon, weightDecay'],
  ['adamW', adamW, 'learningRate, beta1, beta2, epsilon, weightDecay'],
  ['rmsprop', rmsprop, 'learningRate, alpha, epsilon, momentum, centered, weightDecay'],
  ['adagrad', adagrad, 'learningRate, rateDecay, epsilon, weightDecay'],
  ['cosineDecay', (o) => cosineDecay(1, o), 'steps, least'],
  ['exponentialDecay', (o) => exponentialDecay(1, o), 'steps, factor'],
])('%s refuses what it would ignore', (name, make, options) => {
  expect(() => make({ lr: 100 } as never)).toThrow(
    `${name}: there is no option "lr". Options are ${options}.`,
  );
  for (const wrong of [0.01, null, '0.01', ...(/sgd|Decay/.test(name) ? [undefined] : [])])
    expect(() => make(wrong as never)).toThrow(
      `${name}: options are ${typeof wrong === 'string' ? '"0.01"' : wrong}. Give a record of ${options}.`,
    );
  expect(() => make((() => 1) as never)).toThrow(`${name}: options are a Function.`);
});

test('undefined options have their defaults, and text is no number', () => {
  const unset = { learningRate: undefined, epsilon: undefined, weightDecay: undefined };
  for (const make of [adam, adamW, rmsprop, adagrad]) expect(() => make(unset)).not.toThrow();
  const momentum = undefined;
  expect(
    Object.keys(sgd({ learningRate: 1, momentum, nesterov: momentum }).init([]).slots),
  ).toEqual([]);
  expect(() => cosineDecay(1, { steps: 2, least: undefined })).not.toThrow();
  expect(() => adam({ beta1: '0.5' as never })).toThrow('beta1 is "0.5".');
  expect(() => exponentialDecay(1, { steps: 2, factor: '0.5' as never })).toThrow('is "0.5".');
  expect(() => linearWarmup(1, '3' as never)).toThrow('steps is "3". Give a whole number');
  expect(() => clipByValue([], '1' as never)).toThrow('bound is "1". Give a number above 0.');
});

test('a decay of a schedule is refused, for its formula would give NaN', () => {
  const rate = linearWarmup(1, 2) as never;
  for (const make of [
    () => cosineDecay(rate, { steps: 3 }),
    () => cosineDecay(1, { steps: 3, least: rate }),
    () => exponentialDecay(rate, { steps: 3, factor: 0.5 }),
  ])
    expect(make).toThrow(/is a function. Give a number; .*linearWarmup/);
});

const host = (list: readonly number[]) => ({ data: Float32Array.from(list), shape: [list.length] });

describe.each(backends)('on %s', (_, create) => {
  const backend = create();

  test.each(listGoldens('optimiser'))('%s, ten steps', async (name) => {
    const { config, initial, steps } = loadGolden(name);
    const optimizer = optimizerOf(config);
    const start = compile(backend, (params: Params) => ({
      params,
      state: optimizer.init(params),
    }));
    const step = compile(
      backend,
      (now: { params: Params; state: unknown }, gradients: Params) => {
        const [params, state] = optimizer.update(gradients, now.state, now.params);
        return { params, state };
      },
      { donate: [0] },
    );
    let now = await start(initial);
    for (const { grads, params } of steps) {
      now = await step(now as never, grads);
      for (const key of ['a', 'b'] as const) {
        const { data, shape } = await now.params[key].read();
        assertClose({ data: data as Float32Array, shape }, params[key], key);
      }
    }
    expect(step.compilations).toBe(1);
  });

  test('a centred spread that rounding makes less than nothing is none', async () => {
    const slopes = tensor([0.1, 0.3, 0.7, 1.1, 1.7, 3.3, 0.013, 123.4]);
    const optimizer = rmsprop({ centered: true, learningRate: 1e-3 });
    const start = compile(backend, (p: Tensor) => ({ p, state: optimizer.init(p) }));
    const step = compile(
      backend,
      (now: { p: Tensor; state: unknown }) => {
        let { p, state } = now;
        for (let k = 0; k < 50; k++) [p, state] = optimizer.update(slopes, state as never, p);
        return { p, state };
      },
      { donate: [0] },
    );
    let now: { p: Tensor; state: unknown } = await start({ data: new Float32Array(8), shape: [8] });
    for (let k = 0; k < 40; k++) now = await step(now as never);
    expect([...(await now.p.read()).data].every(Number.isFinite)).toBe(true);
  });

  test('a schedule is a function of the step', async () => {
    const optimizer = sgd({ learningRate: (step) => step });
    const step = compile(backend, (p: Tensor, s: OptimizerState<'velocity'>) =>
      optimizer.update(tensor(1), s, p),
    );
    const init = compile(backend, () => optimizer.init(tensor(0)));
    let [p, s] = await step(10, (await init()) as never);
    expect(await p.item()).toBe(9);
    [p, s] = await step(p, s as never);
    expect(await p.item()).toBe(7);
  });

  test('warm-up, cosine and exponential decay follow their formulas', async () => {
    const steps = [1, 2, 5, 10, 20, 40];
    const cosine = cosineDecay(0.8, { steps: 20, least: 0.2 });
    const cosineAt = (n: number) => 0.2 + 0.3 * (1 + Math.cos(Math.PI * Math.min((n - 1) / 20, 1)));
    const want: readonly (readonly [Schedule, (n: number) => number])[] = [
      [linearWarmup(0.5, 10), (n) => 0.5 * Math.min(n / 10, 1)],
      [cosine, cosineAt],
      [exponentialDecay(0.1, { steps: 10, factor: 0.5 }), (n) => 0.1 * 0.5 ** ((n - 1) / 10)],
      [linearWarmup(cosine, 4), (n) => Math.min(n / 4, 1) * cosineAt(n)],
    ];
    for (const [schedule, formula] of want) {
      const at = compile(backend, (step: Tensor) => schedule(step));
      for (const n of steps) expect(await (await at(n)).item()).toBeCloseTo(formula(n), 6);
    }
  });

  // Parameters [1, -2] after three steps of PyTorch 2.13 with gradients [0.5 n, -0.25], and no option but those named.
  test.each<[string, Optimizer, readonly number[]]>([
    ['adagrad', adagrad(), [0.973037891, -1.97715543]],
    [
      'adagrad, rateDecay',
      adagrad({ learningRate: 0.1, rateDecay: 0.5 }),
      [0.800282334, -1.823992035],
    ],
    ['rmsprop', rmsprop(), [0.730117287, -1.771087045]],
    ['adam', adam(), [0.997076817, -1.997]],
    ['adamW', adamW(), [0.997046847, -1.996940031]],
  ])('defaults are those of PyTorch: %s', async (_, optimizer, want) => {
    const step = compile(backend, (now: { p: Tensor; s: unknown }, g: Tensor) => {
      const [p, s] = optimizer.update(g, now.s, now.p);
      return { p, s };
    });
    const start = compile(backend, (p: Tensor) => ({ p, s: optimizer.init(p) }));
    let now = await start(host([1, -2]));
    for (let n = 1; n <= 3; n++) now = await step(now as never, host([0.5 * n, -0.25]));
    const { p } = now;
    // Float32 rounds each of three steps by 1.2e-7 at most.
    [...(await p.read()).data].forEach((x, k) => {
      expect(x).toBeCloseTo(want[k] as number, 6);
    });
  });

  // PyTorch 2.13: CosineAnnealingLR(T_max=20, eta_min=0.2) and ExponentialLR(0.5 ** 0.1), read before each step.
  test('the first steps have the rates that PyTorch has', async () => {
    const torch: readonly (readonly [LearningRate, readonly number[]])[] = [
      [
        cosineDecay(0.8, { steps: 20, least: 0.2 }),
        [0.8, 0.7963065021785414, 0.7427050983124845, 0.5469303395120697, 0.2036934978214587],
      ],
      [
        exponentialDecay(0.1, { steps: 10, factor: 0.5 }),
        [0.1, 0.09330329915368074, 0.0757858283255199, 0.05358867312681466, 0.02679433656340733],
      ],
    ];
    for (const [schedule, rates] of torch) {
      const optimizer = sgd({ learningRate: schedule });
      const update = compile(backend, (p: Tensor, s: OptimizerState<'velocity'>) =>
        optimizer.update(tensor(1), s, p),
      );
      let [p, s] = await update(0, (await run(backend, optimizer.init(tensor(0)))) as never);
      const seen = [-(await p.item())];
      for (let n = 2; n <= 20; n++) {
        const before = await p.item();
        [p, s] = await update(p, s as never);
        seen.push(before - (await p.item()));
      }
      // Differences of float32 sums up to 10.
      rates.forEach((rate, k) => {
        expect(seen[([1, 2, 5, 10, 20][k] as number) - 1]).toBeCloseTo(rate, 5);
      });
    }
  });

  test('a schedule that returns no scalar tensor is refused', async () => {
    const updated = (learningRate: unknown) => () => {
      const optimizer = sgd({ learningRate: learningRate as never });
      return optimizer.update(tensor(1), optimizer.init(tensor(0)), tensor(0));
    };
    expect(updated(() => Number.NaN)).toThrow(/learningRate returned NaN/);
    expect(updated((step: number) => 0.1 / step)).toThrow(/is no number or text. Use operations/);
    expect(() => sgd({ learningRate: '0.01' as never })).toThrow(/learningRate is "0.01"/);
  });

  test('options that make no sense are refused', () => {
    for (const make of [
      () => sgd({ learningRate: -1 }),
      () => sgd({ learningRate: 1, momentum: 1 }),
      () => sgd({ learningRate: 1, nesterov: true }),
      () => adam({ beta2: 1.5 }),
      () => linearWarmup(-1, 3),
      () => cosineDecay(Number.NaN, { steps: 3 }),
      () => exponentialDecay(-1, { steps: 3, factor: 0.5 }),
      () => adam({ epsilon: Number.NaN }),
    ])
      expect(make).toThrow(expect.objectContaining({ code: 'option-invalid' }));
  });
});

test('one loop updates a parameter and all that Adam keeps of it', async () => {
  const backend = reference();
  const optimizer = adam();
  const init = compile(backend, (params: Params) => ({ params, state: optimizer.init(params) }));
  const step = compile(
    backend,
    (now: Awaited<ReturnType<typeof init>>, gradients: Params) => {
      const clipped = clipByGlobalNorm(gradients, 1).gradients;
      const [params, state] = optimizer.update(clipped, now.state, now.params);
      return { params, state };
    },
    { donate: [0], label: 'adam' },
  );
  const like = { a: tensor([[1, 2]]), b: tensor([3, 4, 5]) };
  await step((await init(like)) as never, like);
  expect(explain(step)).toMatchInlineSnapshot(`
    "adam on reference: 1 compiled

    5 launches (5 loop); 84 bytes in, 64 out, 80 scratch
    in  %0 0.params.a: float32[2], %1 0.params.b: float32[3], %2 0.state.slots.mean.a: float32[2], %3 0.state.slots.mean.b: float32[3], %4 0.state.slots.square.a: float32[2], %5 0.state.slots.square.b: float32[3], %6 0.state.step: int32[1], %7 1.a: float32[2], %8 1.b: float32[3]
    out %0 0.params.a: float32[2], %1 0.params.b: float32[3], %2 0.state.slots.mean.a: float32[2], %3 0.state.slots.mean.b: float32[3], %4 0.state.slots.square.a: float32[2], %5 0.state.slots.square.b: float32[3], %6 0.state.step: int32[1]
    donated %0, %1, %2, %3, %4, %5, %6
    scratch 80 bytes
    loop [] sum over [1,2]
        %16 reduce<> = (%7 1.a<2,1> * %7 1.a<2,1>)
    loop [] sum over [3]
        %17 reduce+4<> = (%8 1.b<1> * %8 1.b<1>)
    loop []
        v0 = (%6 0.state.step<> + 1)
        v1 = float32(v0)
        v2 = tanh((v1 * -0.05268025782891314))
        v3 = tanh((v1 * -0.0005002501667917672))
        %6 0.state.step<> = v0
        %18 map+8<> = (0.001 / neg(((v2 * 2) / (1 - v2))))
        %19 map+12<> = (1 / (sqrt((%16 reduce<> + %17 reduce+4<>)) + 0.000001))
        %20 map+16<> = sqrt(neg(((v3 * 2) / (1 - v3))))
    loop [1,2]
        v0 = (%7 1.a<2,1> * min(%19 map+12<0,0>, 1))
        v1 = ((%2 0.state.slots.mean.a<2,1> * 0.9) + (v0 * 0.09999999999999998))
        v2 = ((%4 0.state.slots.square.a<2,1> * 0.999) + ((v0 * v0) * 0.0010000000000000009))
        %2 0.state.slots.mean.a<2,1> = v1
        %4 0.state.slots.square.a<2,1> = v2
        %0 0.params.a<2,1> = (%0 0.params.a<2,1> - (%18 map+8<0,0> * (v1 / ((sqrt(v2) / %20 map+16<0,0>) + 1e-8))))
    loop [3]
        v0 = (%8 1.b<1> * min(%19 map+12<0>, 1))
        v1 = ((%3 0.state.slots.mean.b<1> * 0.9) + (v0 * 0.09999999999999998))
        v2 = ((%5 0.state.slots.square.b<1> * 0.999) + ((v0 * v0) * 0.0010000000000000009))
        %3 0.state.slots.mean.b<1> = v1
        %5 0.state.slots.square.b<1> = v2
        %1 0.params.b<1> = (%1 0.params.b<1> - (%18 map+8<0> * (v1 / ((sqrt(v2) / %20 map+16<0>) + 1e-8))))"
  `);
});
