/** Losses, metrics and clipping against PyTorch's numbers, and what weights mean. */
import { cpu } from '@ostinato/backend-cpu';
import {
  abs,
  compile,
  expandDims,
  grad,
  mul,
  run,
  scan,
  sub,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
} from '@ostinato/core';
import { assertClose, type GoldenTensor, loadFunctionGoldens } from '@ostinato/golden';
import { describe, expect, test } from 'vitest';
import {
  accuracy,
  binaryAccuracy,
  binaryCrossEntropy,
  clipByGlobalNorm,
  clipByNorm,
  clipByValue,
  counted,
  crossEntropy,
  globalNorm,
  meanSquaredError,
  weightedMean,
} from '../src/index.ts';
import { addTotals, noTotals, readTotals, type Totals } from '../src/totals.ts';
import { backends } from './backends.ts';

const read = async (t: Tensor): Promise<GoldenTensor> => {
  const { data, shape } = await t.read();
  return { data: Float32Array.from(data), shape };
};

test('a mean of whole numbers is refused with weights, as it is without', () => {
  // 2 / 3 hits would be 0.
  const hits = tensor([1, 1, 0], { dtype: 'int32' });
  for (const weights of [undefined, tensor([1, 1, 1])])
    expect(() => weightedMean(hits, weights)).toThrow(
      expect.objectContaining({ code: 'dtype-mismatch' }),
    );
});

describe.each(backends)('on %s', (_, create) => {
  const backend = create();
  const evaluate = <T>(tree: T): Promise<T> => run(backend, tree);
  const number = async (t: Tensor): Promise<number> => (await evaluate(t)).item();

  async function matches(
    loss: (x: Tensor) => Tensor,
    x: GoldenTensor,
    want: { loss: GoldenTensor; gradient: GoldenTensor },
  ): Promise<void> {
    const [value, gradient] = await evaluate(
      valueAndGrad((logits: Tensor) => loss(logits))(tensor(x)),
    );
    assertClose(await read(value), want.loss, 'loss');
    assertClose(await read(gradient), want.gradient, 'gradient');
  }

  for (const g of loadFunctionGoldens('binary_cross_entropy_with_logits'))
    test(`${g.name}, value and gradient`, () =>
      matches((x) => binaryCrossEntropy(x, tensor(g.inputs.targets)), g.inputs.logits, {
        loss: g.outputs.loss,
        gradient: g.grads.logits,
      }));

  for (const g of loadFunctionGoldens('cross_entropy'))
    test(`${g.name}, value and gradient`, () => {
      const classes = tensor([...g.config.targets], { dtype: 'int32' });
      return matches((x) => crossEntropy(x, classes), g.inputs.logits, {
        loss: g.outputs.loss,
        gradient: g.grads.logits,
      });
    });

  for (const g of loadFunctionGoldens('mse_loss'))
    test(`${g.name}, value and gradient`, () =>
      matches((x) => meanSquaredError(x, tensor(g.inputs.targets)), g.inputs.input, {
        loss: g.outputs.loss,
        gradient: g.grads.input,
      }));

  for (const g of loadFunctionGoldens('clip_grad_norm'))
    test(`${g.name}`, async () => {
      const { w, b, u } = g.inputs;
      const gradients = { w: tensor(w), b: tensor(b), u: tensor(u) };
      const clipped = await evaluate(clipByGlobalNorm(gradients, g.config.max_norm));
      assertClose(await read(clipped.norm), g.outputs.total_norm, 'norm');
      for (const name of ['w', 'b', 'u'] as const)
        assertClose(await read(clipped.gradients[name]), g.outputs[name], name);
    });

  test('clipping by norm bounds each tensor by itself', async () => {
    const gradients = { a: tensor([3, -4]), b: tensor([0.3, 0.4]) };
    const clipped = await evaluate(clipByNorm(gradients, 1));
    const [a, b] = [(await clipped.a.read()).data, (await clipped.b.read()).data];
    expect(a[0]).toBeCloseTo(0.6, 6);
    expect(a[1]).toBeCloseTo(-0.8, 6);
    expect([...b]).toEqual([Math.fround(0.3), Math.fround(0.4)]);
  });

  test('clipping by value bounds each element', async () => {
    const clipped = await evaluate(clipByValue({ a: tensor([-3, 0.5, 2]) }, 1));
    expect([...(await clipped.a.read()).data]).toEqual([-1, 0.5, 1]);
  });

  test('losses are sums of weights times losses over sums of weights', async () => {
    const logits = tensor([[0.5], [-1], [2]]); // [B, 1]
    const targets = tensor([1, 0, 0]); // [B]
    const weights = tensor([1, 0, 3]);
    const each = [0.5, -1, 2].map((x, i) => Math.log1p(Math.exp(x)) - (i === 0 ? x : 0));
    const want = ((each[0] as number) + 3 * (each[2] as number)) / 4;
    expect(await number(binaryCrossEntropy(logits, targets, weights))).toBeCloseTo(want, 6);
    expect(await number(binaryAccuracy(logits, targets, weights))).toBeCloseTo(1 / 4, 6);
    expect(await number(meanSquaredError(logits, targets, weights))).toBeCloseTo(
      (0.25 + 3 * 4) / 4,
      6,
    );
  });

  test('a target above a half is a yes', async () => {
    const [x, t] = [tensor([1, 1, -1, -1]), tensor([0.51, 0.49, 0.51, 0.5])];
    expect(await number(binaryAccuracy(x, t))).toBe(0.5);
    expect(await number(binaryAccuracy(x, t, tensor([1, 0, 0, 1])))).toBe(1);
  });

  test('weights of examples and of steps: [B] counts for all steps, [B, T] for each', async () => {
    const logits = tensor([
      [
        [2, 1],
        [0, 1],
      ],
      [
        [3, 1],
        [5, 1],
      ],
    ]); // [B, T, classes]
    const classes = tensor(
      [
        [0, 0],
        [1, 0],
      ],
      { dtype: 'int32' },
    );
    const loss = (gap: number): number => Math.log1p(Math.exp(-gap));
    const rows = tensor([1, 0]);
    const steps = tensor([
      [1, 0],
      [2, 1],
    ]);
    expect(await number(crossEntropy(logits, classes, rows))).toBeCloseTo(
      (loss(1) + loss(-1)) / 2,
      6,
    );
    expect(await number(crossEntropy(logits, classes, steps))).toBeCloseTo(
      (loss(1) + 2 * loss(-2) + loss(4)) / 4,
      6,
    );
    expect(await number(accuracy(logits, classes, steps))).toBeCloseTo(2 / 4, 6);
  });

  test('rows without weight may hold NaN, and no weight at all gives 0', async () => {
    const outputs = tensor([1, Number.NaN]);
    const loss = meanSquaredError(outputs, tensor([3, 3]), tensor([1, 0]));
    expect(await number(loss)).toBe(4);
    expect(await number(meanSquaredError(outputs, tensor([3, 3]), tensor([0, 0])))).toBe(0);
  });

  test('weights may be of any type, bool too', async () => {
    const [x, t] = [tensor([1, 5, 2]), tensor([0, 0, 0])];
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      const w = tensor([1, 0, 1], { dtype });
      expect(await number(meanSquaredError(x, t, w))).toBe(2.5);
      expect(await number(binaryAccuracy(x, t, w))).toBe(0);
      expect(await number(binaryCrossEntropy(x, t, w))).toBeCloseTo(
        (Math.log1p(Math.E) + Math.log1p(Math.exp(2))) / 2,
        6,
      );
    }
  });

  test('a class that the logits lack makes the loss NaN, where it has a weight', async () => {
    const logits = tensor([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    const loss = (dtype: 'int32' | 'uint32', label: number, weights = [1, 1]): Promise<number> =>
      number(crossEntropy(logits, tensor([2, label], { dtype }), tensor(weights)));
    const right = await loss('int32', 2);
    for (const [dtype, label] of [
      ['int32', 3],
      ['int32', -1],
      ['uint32', 3],
    ] as const) {
      expect(await loss(dtype, label)).toBeNaN();
      expect(await loss(dtype, label, [1, 0])).toBe(right);
    }
  });

  const missing = Number.NaN;
  const classes = tensor([1, 0, 2], { dtype: 'int32' });
  test.each<[string, (x: Tensor, w: Tensor) => Tensor]>([
    ['squares', (x, w) => meanSquaredError(x, tensor([1, missing, 0]), w)],
    ['yes and no', (x, w) => binaryCrossEntropy(x, tensor([1, missing, 0]), w)],
    ['classes', (x, w) => crossEntropy(mul(expandDims(x, 1), tensor([1, 2, 3])), classes, w)],
    ['one of a user', (x, w) => weightedMean(abs(counted(sub(x, tensor([1, missing, 0])), w)), w)],
  ])('a NaN without weight reaches no gradient: %s', async (_, loss) => {
    for (const there of [0.3, missing]) {
      const f = (x: Tensor): Tensor => loss(x, tensor([1, 0, 2]));
      const [value, gradient] = await evaluate(valueAndGrad(f)(tensor([0.5, there, -1])));
      const [first, none, last] = (await read(gradient)).data;
      expect([await value.item(), first, last].every((v) => Number.isFinite(v) && v !== 0)).toBe(
        true,
      );
      // A NaN of the model's own output may still say so in its own place, behind the loss.
      if (there === 0.3) expect(none).toBe(0);
    }
  });

  test('weights below zero count, in values and in gradients', async () => {
    const [x, t] = [tensor([1, 3]), tensor([0, 0])];
    // (4 * 1 - 1 * 9) / 3, and its slopes.
    const loss = (p: Tensor): Tensor => meanSquaredError(p, t, tensor([4, -1]));
    const [value, gradient] = await evaluate(valueAndGrad(loss)(x));
    expect(await value.item()).toBeCloseTo(-5 / 3, 6);
    assertClose(await read(gradient), { data: Float32Array.of(8 / 3, -2), shape: [2] }, 'slopes');
  });

  test.each([-100, -30, -18, -12, -1, 0, 1, 8, 12, 18, 30, 100])(
    'yes and no keep their digits at a logit of %d',
    async (x) => {
      for (const t of [0, 1]) {
        const want = Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)));
        const got = await number(binaryCrossEntropy(tensor([x]), tensor([t])));
        // Two roundings of float32 and the backends' exp and log, 1e-7 each. Below 1e-38 there are no digits to keep.
        expect(Math.abs(got - want)).toBeLessThan(4e-7 * want + 1e-38);
      }
    },
  );

  test('yes and no bend by 1/4 at a logit of 0', async () => {
    const slope = grad((x: Tensor) => binaryCrossEntropy(x, tensor([1])));
    expect(await number(slope(tensor([0])))).toBe(-0.5);
    expect(await number(grad((x: Tensor) => sum(slope(x)))(tensor([0])))).toBe(0.25);
  });

  test('what does not fit is refused with a code', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(() => binaryCrossEntropy(x, tensor([1, 0, 1]))).toThrow(
      /outputs \[2,2\].*targets \[3\]/,
    );
    expect(() => crossEntropy(x, tensor([1, 0]))).toThrow(/int32 classes/);
    expect(() => meanSquaredError(x, x, tensor([1, 1, 1]))).toThrow(/weights: shape \[3\]/);
    expect(() => clipByGlobalNorm({ x }, 0)).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
    expect(() => globalNorm({})).toThrow(/no tensors/);
  });
});

test('means over a long epoch keep their digits', async () => {
  const batches = 100_000;
  const epoch = compile(cpu(), (loss: Tensor, weights: Tensor) => {
    const [totals] = scan(
      (t: Totals) => [addTotals(t, { loss, metrics: {}, weights }, batches), null],
      noTotals({}),
      null,
      { length: batches },
    );
    return totals;
  });
  const weights = { data: new Float32Array(64).fill(1), shape: [64] };
  const totals = await epoch(0.3, weights);
  // The mean is rounded at each step; a sum was 0.1 % off here.
  expect((await readTotals(totals)).loss).toBeCloseTo(0.3, 5);
});
