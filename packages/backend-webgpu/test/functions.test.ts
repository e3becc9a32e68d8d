/** The functions that kernels call, against JavaScript's in float64: over wide ranges, and at their edges. */
import {
  apply,
  arg,
  type Backend,
  evalScalar,
  programBuilder,
  type ScalarOp,
  window,
} from '@ostinato/core/backend';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from './gpu.ts';
import { numbers } from './recurrent.ts';

/** One op on columns of floats. */
async function valuesOf(
  backend: Backend<never>,
  op: ScalarOp,
  columns: readonly Float32Array[],
): Promise<Float32Array> {
  const b = programBuilder();
  const n = columns[0]?.length as number;
  const args = columns.map((_, k) => window(b.input(`x${k}`, 'float32', n), [1]));
  const out = window(b.output('y', 'float32', n), [1]);
  b.loop({ shape: [n], args, body: [apply(op, ...columns.map((_, k) => arg(k)))], outs: [out] });
  const executable = await backend.compile(b.program());
  const buffers = [...columns, undefined].map((column) => {
    const buffer = backend.alloc(4 * n);
    if (column) backend.write(buffer, new Uint8Array(column.buffer));
    return { buffer, offset: 0 };
  });
  executable.run(buffers.slice(0, -1), buffers.slice(-1));
  const bytes = await backend.read(buffers.at(-1)?.buffer as never, 0, 4 * n);
  executable.dispose();
  for (const { buffer } of buffers) backend.free(buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, n);
}

const COUNT = 4000;
const spread = (seed: number, from: number, to: number): Float32Array =>
  numbers(seed, [COUNT]).data.map((x) => from + ((x + 1) / 2) * (to - from));
/** Of either sign, of any size between two powers of 10. */
const scales = (seed: number, from: number, to: number): Float32Array => {
  const signs = numbers(seed + 1, [COUNT]).data;
  return spread(seed, from, to).map((e, k) => Math.sign(signs[k] as number) * 10 ** e);
};

/** Units in the last place; or, near a zero or where subnormals begin, of 1e-7 of what is far away. */
const cases: readonly (readonly [ScalarOp, Float32Array[], number])[] = [
  ['exp', [spread(1, -87, 88)], 3],
  ['log', [scales(2, -37, 38).map(Math.abs)], 3],
  ['sqrt', [scales(3, -37, 38).map(Math.abs)], 2],
  ['tanh', [scales(4, -30, 3)], 4],
  ['sigmoid', [spread(5, -80, 80)], 4],
  ['erf', [scales(6, -30, 2)], 6],
  ['sin', [spread(7, -3, 3)], 3],
  ['div', [scales(8, -18, 18), scales(9, -18, 18)], 3],
  // The exponent's rounding counts times the logarithm of the result, up to 88.
  ['pow', [spread(10, 0.01, 9), spread(11, -9, 9)], 60],
];

await describeOnGpu('functions', () => {
  let backend: Backend<never>;
  beforeAll(async () => {
    backend = (await open()) as unknown as Backend<never>;
  });
  afterAll(() => backend.dispose());

  test.each(cases)('%s', async (op, columns, most) => {
    const got = await valuesOf(backend, op, columns);
    let worst = { ulps: 0, at: '' };
    got.forEach((y, k) => {
      const args = columns.map((c) => c[k] as number);
      const exact = evalScalar(op, 'float64', args);
      const unit = 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23);
      const ulps = y === exact ? 0 : Math.abs(y - exact) / unit;
      if (!(ulps <= worst.ulps)) worst = { ulps, at: `${op}(${args}) = ${y}, not ${exact}` };
    });
    expect(worst.ulps, worst.at).toBeLessThanOrEqual(most);
  });

  test('a sigmoid falls to 0', async () => {
    const got = await valuesOf(backend, 'sigmoid', [Float32Array.of(-87.5, -90, -103, -200)]);
    for (const y of got) expect(y).toBeLessThan(1.2e-38);
  });

  test('sines and cosines of large angles are right to 2e-7', async () => {
    for (const op of ['sin', 'cos'] as const) {
      const angles = scales(12, 0, 38);
      const got = await valuesOf(backend, op, [angles]);
      const far = got.map((y, k) => Math.abs(y - Math[op](angles[k] as number)));
      expect(Math.max(...far)).toBeLessThan(2e-7);
    }
  });

  test('a remainder is exact, however large the quotient', async () => {
    const [a, b] = [scales(13, -15, 15), scales(14, -15, 15)];
    // Multiples, and what lies next to them.
    for (let k = 0; k < COUNT; k += 4) {
      b[k] = Math.fround(Math.abs(b[k] as number) ** 0.1);
      a[k] = (b[k] as number) * ((k % 40) - 20);
    }
    const got = await valuesOf(backend, 'rem', [a, b]);
    got.forEach((y, k) => {
      const [x, d] = [a[k] as number, b[k] as number];
      if (y !== x % d && Math.abs(x % d) > 2 ** -120)
        throw new Error(`${x} % ${d} is ${y}, not ${x % d}`);
    });
  });

  test('powers of zeros, negative numbers and infinities', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const bases = [0, -0, 2, -2, 0.5, -0.5, inf, -inf];
    const exponents = [-inf, -3, -2, -0.5, 0, 0.5, 1, 2, 3, inf];
    const pairs = bases.flatMap((x) => exponents.map((y) => [x, y] as const));
    const column = (k: 0 | 1): Float32Array => Float32Array.from(pairs, (p) => p[k]);
    const got = await valuesOf(backend, 'pow', [column(0), column(1)]);
    const rounded = (y: number): number => (Number.isFinite(y) ? Math.round(y * 1e5) / 1e5 + 0 : y);
    expect(pairs.map(([x, y], k) => `${x} ** ${y} = ${rounded(got[k] as number)}`)).toEqual(
      pairs.map(([x, y]) => `${x} ** ${y} = ${rounded(x ** y)}`),
    );
  });
});
