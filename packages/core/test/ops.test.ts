/** Forward values of every op, against numbers worked out by hand or by a formula of its own. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as o from '../src/index.ts';
import { f64, gradientOf, i32, valuesOf } from './support.ts';

const { tensor } = o;
const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
const bools = (values: readonly (boolean | readonly boolean[])[]): o.Tensor =>
  tensor(values as boolean[]);

/** Values to 1e-12 (float64), NaN and infinities exact; and the shape. */
async function check(
  t: o.Tensor,
  want: readonly number[],
  shape: readonly number[] = [want.length],
) {
  expect(t.shape).toEqual(shape);
  const got = await valuesOf(t);
  expect(got.length).toBe(want.length);
  got.forEach((g, i) => {
    const w = want[i] as number;
    if (!Number.isFinite(w)) expect(g, `element ${i} of ${got}`).toBe(w);
    else expect(Math.abs(g - w), `element ${i} of ${got}`).toBeLessThan(1e-12 * (1 + Math.abs(w)));
  });
}

describe('elementwise', () => {
  const xs = [-2.5, -1, -0.5, 0, 0.5, 1, 2.5];
  const unary: Record<string, [(x: o.Tensor) => o.Tensor, (x: number) => number]> = {
    neg: [o.neg, (x) => -x],
    abs: [o.abs, Math.abs],
    sign: [o.sign, Math.sign],
    floor: [o.floor, Math.floor],
    exp: [o.exp, Math.exp],
    log: [o.log, Math.log],
    sin: [o.sin, Math.sin],
    cos: [o.cos, Math.cos],
    tanh: [o.tanh, (x) => (Math.exp(2 * x) - 1) / (Math.exp(2 * x) + 1)],
    sigmoid: [o.sigmoid, (x) => 0.5 * (1 + Math.tanh(x / 2))],
    sqrt: [o.sqrt, (x) => x ** 0.5],
    square: [o.square, (x) => x ** 2],
    relu: [o.relu, (x) => (x > 0 ? x : 0)],
    softplus: [o.softplus, (x) => Math.log1p(Math.exp(x))],
    clip: [(x) => o.clip(x, -1, 2), (x) => (x < -1 ? -1 : x > 2 ? 2 : x)],
    stopGradient: [o.stopGradient, (x) => x],
    zerosLike: [o.zerosLike, () => 0],
    onesLike: [o.onesLike, () => 1],
  };
  for (const [name, [f, want]] of Object.entries(unary))
    test(name, () => check(f(f64(xs)), xs.map(want)));

  test('erf', () =>
    // Abramowitz & Stegun, table 7.1, and its symmetry.
    check(
      o.erf(f64([0, 0.5, -1, 2])),
      [0, 0.5204998778130465, -0.8427007929497149, 0.9953222650189527],
    ));

  const binary: Record<
    string,
    [(a: o.Tensor, b: o.Tensor) => o.Tensor, (a: number, b: number) => number]
  > = {
    add: [o.add, (a, b) => a + b],
    sub: [o.sub, (a, b) => a - b],
    mul: [o.mul, (a, b) => a * b],
    div: [o.div, (a, b) => a / b],
    rem: [o.rem, (a, b) => a - b * Math.trunc(a / b)],
    minimum: [o.minimum, (a, b) => (a < b ? a : b)],
    maximum: [o.maximum, (a, b) => (a > b ? a : b)],
    less: [o.less, (a, b) => Number(a < b)],
    lessEqual: [o.lessEqual, (a, b) => Number(a <= b)],
    equal: [o.equal, (a, b) => Number(a === b)],
    greater: [o.greater, (a, b) => Number(a > b)],
    greaterEqual: [o.greaterEqual, (a, b) => Number(a >= b)],
  };
  for (const [name, [f, want]] of Object.entries(binary))
    test(`${name}, of float64 and of int32, broadcast`, async () => {
      const [as, bs] = [
        [-3, 2, 7],
        [2, -5],
      ];
      const expected = as.flatMap((a) => bs.map((b) => want(a, b)));
      await check(f(f64(as.map((a) => [a])), f64(bs)), expected, [3, 2]);
      const whole = name === 'div' ? expected.map(Math.trunc) : expected;
      await check(f(i32(as.map((a) => [a])), i32(bs)), whole, [3, 2]);
    });

  test('numbers take the type of the tensor beside them', async () => {
    expect(o.add(i32([1]), 2).dtype).toBe('int32');
    expect(o.sub(1, f64([1])).dtype).toBe('float64');
    expect(o.add(1, 2).dtype).toBe('float32');
    expect(o.where(bools([true]), 1, i32([2])).dtype).toBe('int32');
    await check(o.exp(0), [1], []);
  });

  test('pow', async () => {
    await check(o.pow(f64([-2, 2, 0, 0, 9]), f64([3, -1, 0, 2, 0.5])), [-8, 0.5, 1, 0, 3]);
    expect(await gradientOf((x) => o.sum(o.pow(x, 3)), f64([-2, 0, 2]))).toEqual([12, 0, 12]);
    expect(await gradientOf((x) => o.sum(o.pow(x, 2)), f64([-2, 0, 2]))).toEqual([-4, 0, 4]);
    expect(await gradientOf((x) => o.sum(o.pow(x, 1)), f64([-2, 0, 2]))).toEqual([1, 1, 1]);
    const flat = await gradientOf((x) => o.sum(o.pow(x, 0)), f64([-2, 0, 2]));
    expect(flat.map(Math.abs)).toEqual([0, 0, 0]);
    // With the exponent a tensor too: the slope of 0^p is 0, not 0 * -Infinity.
    expect(await gradientOf((p) => o.sum(o.pow(f64([0, 1]), p)), f64([2, 2]))).toEqual([0, 0]);
    // Second derivatives, in either order, where a base or an exponent is 0.
    type Two = { readonly a: o.Tensor; readonly b: o.Tensor };
    const slopes = o.grad((p: Two) => o.pow(p.a, p.b));
    for (const [a, b, mixed] of [
      [0, 3, 0],
      [0, 2, 0],
      [2, 0, 0.5],
      [2, 3, 4 + 12 * Math.log(2)],
    ] as const) {
      const at = { a: f64(a), b: f64(b) };
      const ab = await valuesOf(o.grad((p: Two) => slopes(p).a)(at).b);
      const ba = await valuesOf(o.grad((p: Two) => slopes(p).b)(at).a);
      expect(ab[0]).toBeCloseTo(mixed, 12);
      expect(ba[0]).toBeCloseTo(mixed, 12);
    }
    const slope = o.grad((x: o.Tensor) => o.sum(o.pow(x, 1)));
    expect(await gradientOf((x) => o.sum(slope(x)), f64([0, 3]))).toEqual([0, 0]);
  });

  test('a divisor has the slope of the quotient that belongs to the remainder', async () => {
    const f32 = (x: number) => tensor([x]); // float32, where 3 / 0.1 rounds up to 30
    for (const [a, b, slope] of [
      [3, 0.1, -29],
      [1, 0.2, -4],
      [-3, 0.1, 29],
      [7, 2, -3],
      [-7, 2, 3],
      [1, Number.POSITIVE_INFINITY, -0],
    ] as const) {
      const of = o.grad((x: o.Tensor) => o.sum(o.rem(f32(a), x)))(f32(b));
      expect((await valuesOf(of))[0]).toBe(slope);
    }
  });

  test('the slope of a largest or least element that is NaN is its own', async () => {
    const x = f64([
      [1, nan, 2],
      [3, 4, 4],
    ]); // prettier-ignore
    for (const best of [o.max, o.min]) {
      const slopes = await gradientOf((t) => o.sum(best(t, { axes: 1 })), x);
      expect(slopes.slice(0, 3)).toEqual([0, 1, 0]);
    }
  });

  test('NaN and infinities pass through as in JavaScript', async () => {
    await check(o.maximum(f64([nan, 1, inf]), f64([1, nan, 2])), [nan, nan, inf]);
    await check(o.minimum(f64([nan, 1, -inf]), f64([1, nan, 2])), [nan, nan, -inf]);
    await check(o.relu(f64([nan, -inf, inf])), [nan, 0, inf]);
    await check(o.clip(f64([nan, -inf, inf]), -1, 1), [nan, -1, 1]);
    await check(o.mul(f64([nan, inf]), 0), [nan, nan]);
    await check(o.equal(f64([nan]), f64([nan])), [0]);
    await check(o.where(bools([true, false]), f64([1, nan]), f64([nan, 2])), [1, 2]);
    await check(o.sigmoid(f64([-1e4, 1e4])), [0, 1]);
    await check(o.tanh(f64([-1e4, 1e4])), [-1, 1]);
    await check(o.softplus(f64([-1e4, 1e4, inf, -inf])), [0, 1e4, inf, 0]);
  });

  test('slopes at 0 are those of PyTorch', async () => {
    expect(await gradientOf((x) => o.sum(o.relu(x)), f64([-1, 0, 1]))).toEqual([0, 0, 1]);
    expect(await gradientOf((x) => o.sum(o.abs(x)), f64([-1, 0, 1]))).toEqual([-1, 0, 1]);
    expect(await gradientOf((x) => o.softplus(x), f64(0))).toEqual([0.5]);
    expect(await gradientOf((x) => o.sum(o.clip(x, -1, 1)), f64([-2, -1, 0, 1, 2]))).toEqual([
      0, 1, 1, 1, 0,
    ]);
  });

  test('bools and bits', async () => {
    const [a, b] = [bools([true, true, false]), bools([true, false, false])];
    await check(o.logicalAnd(a, b), [1, 0, 0]);
    await check(o.logicalOr(a, b), [1, 1, 0]);
    await check(o.logicalXor(a, b), [0, 1, 0]);
    await check(o.logicalNot(b), [0, 1, 1]);
    await check(o.shiftLeft(i32([1, -1]), 3), [8, -8]);
    await check(o.shiftRight(i32([8, -8]), 1), [4, -4]);
    await check(o.shiftRight(tensor([2 ** 31], { dtype: 'uint32' }), 31), [1]);
    await check(o.logicalNot(i32([0])), [-1]);
  });

  test('int32 wraps, uint32 wraps, products are exact', async () => {
    await check(o.add(i32([2147483647]), 1), [-2147483648]);
    await check(o.mul(i32([123456789]), i32([987654321])), [Math.imul(123456789, 987654321)]);
    await check(o.sub(tensor([0], { dtype: 'uint32' }), 1), [4294967295]);
    await check(o.neg(i32([-2147483648])), [-2147483648]);
  });

  test('cast truncates, saturates and makes NaN 0', async () => {
    await check(
      o.cast(f64([1.9, -1.9, 1e20, -1e20, nan]), 'int32'),
      [1, -1, 2147483647, -2147483648, 0],
    );
    await check(o.cast(f64([-1, 5e9]), 'uint32'), [0, 4294967295]);
    await check(o.cast(f64([0, -0, nan, 0.1]), 'bool'), [0, 0, 1, 1]);
    await check(o.cast(bools([true, false]), 'float32'), [1, 0]);
    await check(o.cast(f64([0.1]), 'float32'), [Math.fround(0.1)]);
    await check(o.cast(i32([-1]), 'uint32'), [4294967295]);
    const same = f64([1]);
    expect(o.cast(same, 'float64')).toBe(same);
  });

  test('where, broadcast on all three sides', () =>
    check(o.where(bools([[true], [false]]), f64([1, 2, 3]), 0), [1, 2, 3, 0, 0, 0], [2, 3]));
});

describe('constants', () => {
  test('full, zeros, ones, scalar, iota, range', async () => {
    await check(o.full([2, 1], 3, 'int32'), [3, 3], [2, 1]);
    await check(o.zeros([2]), [0, 0]);
    await check(o.ones([]), [1], []);
    await check(o.scalar(2.5), [2.5], []);
    await check(o.scalar(nan, 'bool'), [1], []);
    await check(o.iota([2, 3], -1), [0, 1, 2, 0, 1, 2], [2, 3]);
    await check(o.iota([2, 2], 0, 'float64'), [0, 0, 1, 1], [2, 2]);
    await check(o.range(3), [0, 1, 2]);
    expect(o.range(3).dtype).toBe('int32');
  });

  test('oneHot, out of range and uint32 too', async () => {
    await check(o.oneHot(i32([1, -1, 3, 2]), 3), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [4, 3]);
    await check(o.oneHot(tensor([4294967295], { dtype: 'uint32' }), 2), [0, 0], [1, 2]);
    await check(o.oneHot(i32(1), 2, 'int32'), [0, 1], [2]);
  });

  test('oneHot of floats and bools', async () => {
    await check(o.oneHot(f64([1, Number.NaN, -0.5, 0]), 2), [0, 1, 0, 0, 0, 0, 1, 0], [4, 2]);
    await check(o.oneHot(tensor([true, false]), 3), [0, 1, 0, 1, 0, 0], [2, 3]);
  });
});

describe('views', () => {
  const x = f64([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  test('transpose', async () => {
    await check(o.transpose(x), [1, 4, 2, 5, 3, 6], [3, 2]);
    await check(o.transpose(x, [-1, 0]), [1, 4, 2, 5, 3, 6], [3, 2]);
    expect(o.transpose(x, [0, 1])).toBe(x);
  });
  test('reshape, expandDims, squeeze', async () => {
    await check(o.reshape(x, [3, -1]), [1, 2, 3, 4, 5, 6], [3, 2]);
    await check(o.reshape(f64([7]), []), [7], []);
    expect(o.expandDims(x, -1).shape).toEqual([2, 3, 1]);
    expect(o.expandDims(x, [0, -1]).shape).toEqual([1, 2, 3, 1]);
    expect(o.squeeze(o.expandDims(x, [0, 2])).shape).toEqual([2, 3]);
    expect(o.squeeze(o.expandDims(x, [0, 2]), -2).shape).toEqual([1, 2, 3]);
  });
  test('broadcastTo', async () => {
    await check(o.broadcastTo(f64([[1], [2]]), [2, 2, 2]), [1, 1, 2, 2, 1, 1, 2, 2], [2, 2, 2]);
    await check(o.broadcastTo(f64(5), [2]), [5, 5]);
  });
  test('slice, at, split', async () => {
    await check(o.slice(x, 1, 1), [2, 3, 5, 6], [2, 2]);
    await check(o.slice(x, -1, -1), [3, 6], [2, 1]);
    await check(o.slice(x, 0, 1, 1), [4, 5, 6], [1, 3]);
    await check(o.at(x, -1), [4, 5, 6]);
    await check(o.at(x, 0, -1), [1, 4]);
    const [a, b] = o.split(f64([1, 2, 3, 4]), 2) as [o.Tensor, o.Tensor];
    await check(o.add(a, o.mul(b, 10)), [31, 42]);
  });
  test('flip', async () => {
    await check(o.flip(x), [6, 5, 4, 3, 2, 1], [2, 3]);
    await check(o.flip(x, -1), [3, 2, 1, 6, 5, 4], [2, 3]);
    const one = f64([[1]]);
    expect(o.flip(one)).toBe(one);
  });
  test('concat and stack', async () => {
    await check(o.concat([x, x], -1), [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6], [2, 6]);
    await check(o.concat([f64([1]), f64([2, 3])]), [1, 2, 3]);
    await check(o.stack([f64([1, 2]), f64([3, 4])]), [1, 2, 3, 4], [2, 2]);
    await check(o.stack([f64([1, 2]), f64([3, 4])], -1), [1, 3, 2, 4], [2, 2]);
  });
  test('pad', async () => {
    await check(o.pad(f64([1, 2]), [[1, 2]]), [0, 1, 2, 0, 0]);
    await check(
      o.pad(
        f64([[1]]),
        [
          [0, 1],
          [1, 0],
        ],
        -inf,
      ),
      [-inf, 1, -inf, -inf],
      [2, 2],
    );
    await check(o.pad(i32([1]), [[0, 1]], 7), [1, 7]);
    const same = f64(3);
    expect(o.pad(same, [])).toBe(same);
  });
});

describe('reductions', () => {
  test('a sum of one whole number wraps however many terms there are', async () => {
    const terms = 2 ** 23 + 1; // their total is no double
    await check(o.sum(o.full([terms], 2 ** 31 - 1, 'int32')), [2 ** 31 - terms], []);
  });

  const x = f64([
    [1, 5, 3],
    [4, 2, 6],
  ]);

  test('over all axes, one, several, kept', async () => {
    await check(o.sum(x), [21], []);
    await check(o.sum(x, { axes: -1 }), [9, 12]);
    await check(o.sum(x, { axes: [0, -1] }), [21], []);
    await check(o.max(x, { axes: 0, keepDims: true }), [4, 5, 6], [1, 3]);
    await check(o.min(x, { axes: 1 }), [1, 2]);
    await check(o.mean(x, { axes: 1 }), [3, 4]);
    await check(o.variance(x, { axes: 1 }), [8 / 3, 8 / 3]);
    await check(o.variance(x), [35 / 12], []);
    await check(o.sum(x, { axes: [] }), [1, 5, 3, 4, 2, 6], [2, 3]);
  });
  test('of scalars and axes of size 1', async () => {
    await check(o.sum(f64(3)), [3], []);
    await check(o.max(f64([[2], [1]]), { axes: 1 }), [2, 1]);
    await check(o.softmax(f64([[2], [1]])), [1, 1], [2, 1]);
    await check(o.argmax(f64([[2], [1]])), [0, 0]);
  });
  test('of integers', async () => {
    await check(o.sum(i32([2147483647, 1])), [-2147483648], []);
    await check(o.max(i32([-5, -7])), [-5], []);
    await check(o.min(tensor([3, 4294967295], { dtype: 'uint32' })), [3], []);
  });
  test('NaN wins', async () => {
    await check(
      o.max(
        f64([
          [1, nan, 3],
          [1, 2, 3],
        ]),
        { axes: 1 },
      ),
      [nan, 3],
    );
    await check(o.min(f64([nan, -inf])), [nan], []);
    await check(o.max(f64([-inf, -inf])), [-inf], []);
  });
  test('argmax and argmin: first of equal, first NaN before all', async () => {
    await check(o.argmax(f64([1, 3, 3])), [1], []);
    await check(o.argmin(f64([1, 0, 0])), [1], []);
    await check(o.argmax(f64([5, nan, 9, nan])), [1], []);
    await check(o.argmin(f64([nan, 1])), [0], []);
    await check(o.argmax(f64([-inf, -inf])), [0], []);
    await check(o.argmax(x, 0), [1, 0, 1]);
    await check(o.argmax(i32([-3, -2])), [1], []);
    expect(o.argmax(x).dtype).toBe('int32');
  });
  test('any and all, of bools and of numbers', async () => {
    await check(
      o.any(
        bools([
          [true, false],
          [false, false],
        ]),
        { axes: 1 },
      ),
      [1, 0],
    );
    await check(
      o.all(
        bools([
          [true, false],
          [true, true],
        ]),
        { axes: -1 },
      ),
      [0, 1],
    );
    await check(o.any(f64([0, 0.5])), [1], []);
    await check(o.all(i32([-1, 2])), [1], []);
    expect(o.any(x).dtype).toBe('bool');
  });
});

describe('softmax and its like', () => {
  const wide = f64([
    [1e4, 0, -1e4],
    [-1e4, -1e4, -1e4],
    [0, 1, 2],
  ]);
  const z = 1 + Math.E + Math.E ** 2;

  test('logSumExp', async () => {
    const want = [1e4, -1e4 + Math.log(3), Math.log(z)];
    await check(o.logSumExp(wide, { axes: 1 }), want);
    await check(o.logSumExp(wide, { axes: -1, keepDims: true }), want, [3, 1]);
    await check(
      o.logSumExp(
        f64([
          [-inf, -inf],
          [-inf, 0],
          [inf, 0],
          [nan, 0],
        ]),
        { axes: 1 },
      ),
      [-inf, 0, inf, nan],
    );
    expect(
      await gradientOf(
        (x) => o.sum(o.logSumExp(x, { axes: 1 })),
        f64([
          [-inf, -inf],
          [-inf, 0],
          [0, 0],
        ]),
      ),
    ).toEqual([0, 0, 0, 1, 0.5, 0.5]);
  });
  test('softmax and logSoftmax', async () => {
    const third = 1 / 3;
    const soft = [1, 0, 0, third, third, third, 1 / z, Math.E / z, Math.E ** 2 / z];
    await check(o.softmax(wide), soft, [3, 3]);
    await check(
      o.softmax(o.transpose(wide), 0),
      [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => soft[i] as number),
      [3, 3],
    );
    await check(
      o.logSoftmax(wide),
      [
        0,
        -1e4,
        -2e4,
        ...[third, third, third].map(Math.log),
        -Math.log(z),
        1 - Math.log(z),
        2 - Math.log(z),
      ],
      [3, 3],
    );
    await check(o.softmax(f64([-inf, 0, 0])), [0, 0.5, 0.5]);
    await check(o.logSoftmax(f64([-inf, 0, 0])), [-inf, Math.log(0.5), Math.log(0.5)]);
    await check(o.softmax(f64([-inf, -inf])), [nan, nan]);
  });
  test('their gradients, though the shift stops it', async () => {
    // d softmax_0 = s_0 (delta - s), d logSoftmax_0 = delta - s, d logSumExp = s.
    const at = [0.3, -1.2, 2];
    const e = at.map(Math.exp);
    const s = e.map((v) => v / e.reduce((a, b) => a + b));
    const close = (got: number[], want: number[]) =>
      got.forEach((g, i) => {
        expect(g).toBeCloseTo(want[i] as number, 12);
      });
    const [s0 = 0] = s;
    close(
      await gradientOf((x) => o.at(o.softmax(x), 0), f64(at)),
      s.map((v, i) => s0 * (Number(i === 0) - v)),
    );
    close(
      await gradientOf((x) => o.at(o.logSoftmax(x), 0), f64(at)),
      s.map((v, i) => Number(i === 0) - v),
    );
    close(await gradientOf((x) => o.logSumExp(x), f64(at)), s);
    const tie = f64([2, 2]);
    close(await gradientOf((x) => o.logSumExp(x), tie), [0.5, 0.5]);
  });
});

describe('products', () => {
  const naive = (a: number[][], b: number[][]): number[] =>
    a.flatMap((row) =>
      (b[0] as number[]).map((_, j) =>
        row.reduce((t, v, k) => t + v * ((b[k] as number[])[j] as number), 0),
      ),
    );
  const [a, b] = [
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    [
      [1, 0],
      [2, 1],
      [0, 3],
    ],
  ];

  test('matmul of every rank', async () => {
    await check(o.matmul(f64(a), f64(b)), naive(a, b), [2, 2]);
    await check(o.matmul(f64([1, 2, 3]), f64(b)), naive([[1, 2, 3]], b), [2]);
    await check(o.matmul(f64(a), f64([1, 2, 3])), [14, 32]);
    await check(o.matmul(f64([1, 2, 3]), f64([4, 5, 6])), [32], []);
    const batch = o.stack([f64(a), o.neg(f64(a))]);
    await check(
      o.matmul(batch, f64(b)),
      [...naive(a, b), ...naive(a, b).map((v) => -v)],
      [2, 2, 2],
    );
    await check(
      o.matmul(f64([1, 2, 3]), o.stack([f64(b), f64(b)])),
      [...naive([[1, 2, 3]], b), ...naive([[1, 2, 3]], b)],
      [2, 2],
    );
    await check(o.matmul(batch, f64([1, 2, 3])), [14, 32, -14, -32], [2, 2]);
  });
  test('matmul broadcasts leading axes', async () => {
    const x = o.reshape(f64(a), [1, 2, 1, 3]);
    const y = o.stack([f64(b), o.mul(f64(b), 2), o.mul(f64(b), 3)]); // [3, 3, 2]
    const want = [1, 2, 3].map((k) => k); // rows of x in the second axis, tables of y in the third
    expect(o.matmul(o.reshape(f64(a), [2, 1, 1, 3]), y).shape).toEqual([2, 3, 1, 2]);
    await check(
      o.matmul(o.reshape(f64(a), [2, 1, 1, 3]), y),
      a.flatMap((row) => want.flatMap((k) => naive([row], b).map((v) => v * k))),
      [2, 3, 1, 2],
    );
    expect(o.matmul(x, f64(b)).shape).toEqual([1, 2, 1, 2]);
  });
  test('einsum, lone letters and outer products included', async () => {
    await check(o.einsum('ij,jk->ki', f64(a), f64(b)), [5, 14, 11, 23], [2, 2]);
    await check(o.einsum('i,j->ij', f64([1, 2]), f64([3, 4])), [3, 4, 6, 8], [2, 2]);
    await check(o.einsum('i,j->', f64([1, 2]), f64([3, 4])), [21], []);
    await check(o.einsum('ij,k->k', f64(a), f64([1, 2])), [21, 42]);
    await check(o.einsum('ij, ij -> i', f64(a), f64(a)), [14, 77]);
    await check(o.einsum(',->', f64(2), f64(3)), [6], []);
    await check(
      o.einsum('ijl,j->i', o.reshape(f64([1, 2, 3, 4]), [1, 2, 2]), f64([1, 10])),
      [73],
      [1],
    );
    await check(o.einsum('i,->i', f64([1, 2]), f64(3)), [3, 6]);
  });
  test('NaN and infinity times zero', () =>
    check(o.matmul(f64([[0, 1]]), f64([[nan], [1]])), [nan], [1, 1]));
});

describe('tables', () => {
  const table = f64([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  test('gather, out of range reads 0', async () => {
    await check(o.gather(table, i32([2, 0, -1, 3])), [5, 6, 1, 2, 0, 0, 0, 0], [4, 2]);
    await check(o.gather(table, i32([[1], [0]])), [3, 4, 1, 2], [2, 1, 2]);
    await check(o.gather(table, i32(1)), [3, 4]);
    await check(o.gather(f64([7, 8]), i32([1])), [8]);
    await check(o.gather(i32([7, 8]), tensor([4294967295, 0], { dtype: 'uint32' })), [0, 7]);
    await check(o.gather(bools([true, false]), i32([0, 1])), [1, 0]);
  });
  test('scatterAdd adds up repeats and drops what is out of range', async () => {
    await check(o.scatterAdd(table, i32([1, 1, 9]), 2), [0, 0, 4, 6], [2, 2]);
    await check(o.scatterAdd(f64([1, 2]), i32([-1, 0]), 3), [2, 0, 0]);
    await check(
      o.scatterAdd(
        i32([
          [1, 2],
          [3, 4],
        ]),
        i32([
          [0, 1],
          [0, 0],
        ]),
        2,
      ),
      [8, 2],
    );
    await check(o.scatterAdd(f64([5, 6]), i32(1), 2), [0, 0, 5, 6], [2, 2]);
  });
  test('takeLast', async () => {
    await check(o.takeLast(table, i32([1, 0, 2])), [2, 3, 0]);
    await check(o.takeLast(f64([4, 5]), i32(1)), [5], []);
    expect(await gradientOf((x) => o.sum(o.takeLast(x, i32([1, 0, 7]))), table)).toEqual([
      0, 1, 1, 0, 0, 0,
    ]);
  });
});

describe('cumsum', () => {
  test('along any axis, both ways, with and without itself', async () => {
    const x = f64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await check(o.cumsum(x), [1, 3, 6, 4, 9, 15], [2, 3]);
    await check(o.cumsum(x, 0), [1, 2, 3, 5, 7, 9], [2, 3]);
    await check(o.cumsum(x, 1, { reverse: true }), [6, 5, 3, 15, 11, 6], [2, 3]);
    await check(o.cumsum(x, 1, { exclusive: true }), [0, 1, 3, 0, 4, 9], [2, 3]);
    await check(o.cumsum(x, -2, { exclusive: true, reverse: true }), [4, 5, 6, 0, 0, 0], [2, 3]);
    await check(o.cumsum(i32([2147483647, 1])), [2147483647, -2147483648]);
    await check(o.cumsum(f64([1, nan, 3])), [1, nan, nan]);
    await check(o.cumsum(f64([[5]]), 0), [5], [1, 1]);
  });
  test('equals a plain loop, and its gradient is the total the other way', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 9 }),
        fc.boolean(),
        fc.boolean(),
        async (xs, reverse, exclusive) => {
          const order = reverse ? [...xs].reverse() : xs;
          let total = 0;
          const totals = order.map((v) => {
            const before = total;
            total += v;
            return exclusive ? before : total;
          });
          const options = { reverse, exclusive };
          await check(o.cumsum(f64(xs), 0, options), reverse ? totals.reverse() : totals);
          const weights = f64(xs.map((_, i) => i + 1));
          expect(
            await gradientOf((x) => o.sum(o.mul(o.cumsum(x, 0, options), weights)), f64(xs)),
          ).toEqual(await valuesOf(o.cumsum(weights, 0, { reverse: !reverse, exclusive })));
        },
      ),
      { numRuns: 30 },
    ));
});
