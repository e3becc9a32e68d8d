import { type Backend, programBuilder, reference, window } from '@ostinato/core/backend';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SHARED_THREADS } from '../src/kernels/shared-product.ts';
import { dispatchesOf } from '../src/plan/plan.ts';
import { planProgram } from '../src/plan/program.ts';
import { open } from './gpu.ts';
import { numbers, smallest } from './recurrent.ts';

interface Shape {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Which operands lie transposed. */
  readonly turned: readonly [a: boolean, b: boolean, out: boolean];
}

/** out[n, i, j] = sum over k of a[n, i, k] * b[n, k, j], each operand as it is or transposed in memory. */
function program({ batch, rows, columns, depth, turned }: Shape) {
  const b = programBuilder();
  const strides = (height: number, width: number, swap: boolean): readonly [number, number] =>
    swap ? [1, height] : [width, 1];
  const [ai, ak] = strides(rows, depth, turned[0]);
  const [bk, bj] = strides(depth, columns, turned[1]);
  const [oi, oj] = strides(rows, columns, turned[2]);
  const [x, y] = [
    b.input('a', 'float32', batch * rows * depth),
    b.input('b', 'float32', batch * depth * columns),
  ];
  const out = b.output('out', 'float32', batch * rows * columns);
  b.contract({
    shape: [batch, rows, columns],
    over: [depth],
    args: [window(x, [rows * depth, ai, 0, ak]), window(y, [depth * columns, 0, bj, bk])],
    out: window(out, [rows * columns, oi, oj]),
  });
  return b.program();
}

async function results(backend: Backend<never>, shape: Shape): Promise<Float32Array> {
  const made = program(shape);
  const executable = await backend.compile(made);
  const sizes = [...made.inputs, ...made.outputs].map((k) => made.slots[k]?.size as number);
  const buffers = sizes.map((n) => backend.alloc(4 * n));
  buffers.slice(0, 2).forEach((buffer, k) => {
    const { data } = numbers(k + 1, [sizes[k] as number]);
    backend.write(buffer, new Uint8Array(data.buffer));
  });
  const refs = buffers.map((buffer) => ({ buffer, offset: 0 }));
  executable.run(refs.slice(0, 2), refs.slice(2));
  const bytes = await backend.read(buffers[2] as never, 0, 4 * (sizes[2] as number));
  executable.dispose();
  for (const buffer of buffers) backend.free(buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, sizes[2]);
}

/** A sum of up to 40 products of numbers below 1, rounded at each. */
const TOLERANCE = 2e-5;

await describeOnGpu('products through workgroup memory', () => {
  test('equal the reference for any size and layout', async () => {
    const backend = (await open({ tuning: 'gpu' })) as unknown as Backend<never>;
    const side = fc.oneof(fc.integer({ min: 1, max: 140 }), fc.constantFrom(64, 128, 132));
    const shapes = fc.record({
      batch: fc.constantFrom(8, 32),
      rows: side,
      columns: side,
      depth: fc.integer({ min: 16, max: 40 }),
      turned: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    });
    let shared = 0;
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const { steps } = planProgram(program(shape), smallest);
        const [dispatch] = dispatchesOf(steps);
        if (dispatch?.kernel.code.includes(`@workgroup_size(${SHARED_THREADS})`)) shared++;
        const [got, want] = [
          await results(backend, shape),
          await results(reference() as Backend<never>, shape),
        ];
        for (let k = 0; k < want.length; k++)
          if (!(Math.abs((got[k] as number) - (want[k] as number)) <= TOLERANCE))
            throw new Error(`[${k}] is ${got[k]}, the reference gives ${want[k]}`);
      }),
      { numRuns: 20 },
    );
    expect(shared).toBeGreaterThan(5);
    backend.dispose();
  });
});
