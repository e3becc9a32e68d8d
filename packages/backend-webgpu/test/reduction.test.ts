/** Reductions that several threads share: with subgroups and without, they agree with the reference. */
import {
  arg,
  type Backend,
  type DType,
  type Program,
  programBuilder,
  reference,
  window,
} from '@ostinato/core/backend';
import { dawnSeen, describeOnGpu } from '@ostinato/software-gpu/vitest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WebGpuOptions } from '../src/index.ts';
import { open } from './gpu.ts';
import { numbers } from './recurrent.ts';

interface Shape {
  readonly dtype: DType;
  readonly combine: 'sum' | 'max' | 'min';
  /** 1: a whole workgroup meets in a single value. */
  readonly many: number;
  readonly terms: number;
}

function program({ dtype, combine, many, terms }: Shape): Program {
  const b = programBuilder();
  const x = b.input('x', dtype, many * terms);
  const out = b.output('out', dtype, many);
  const all = { over: [terms], combine, body: [arg(0)] };
  if (many === 1) b.loop({ ...all, shape: [], args: [window(x, [1])], outs: [window(out, [])] });
  else b.loop({ ...all, shape: [many], args: [window(x, [terms, 1])], outs: [window(out, [1])] });
  return b.program();
}

/** Signs and sizes of every kind; bools are words. */
function given({ dtype, many, terms }: Shape): Uint8Array {
  const { data } = numbers(3, [many * terms]);
  if (dtype === 'float32') return new Uint8Array(data.buffer);
  const whole = (x: number): number => (dtype === 'bool' ? Number(x > 0.9) : Math.trunc(1e6 * x));
  return new Uint8Array(Int32Array.from(data, whole).buffer);
}

async function reduced(backend: Backend<never>, shape: Shape): Promise<number[]> {
  const words = await results(backend, program(shape), given(shape), shape.many);
  return [...(shape.dtype === 'float32' ? new Float32Array(words) : new Int32Array(words))];
}

/** So many words that a program makes of one input. */
async function results(
  backend: Backend<never>,
  program: Program,
  input: Uint8Array,
  words: number,
): Promise<ArrayBuffer> {
  const executable = await backend.compile(program);
  const [x, out] = [backend.alloc(input.length), backend.alloc(4 * words)];
  backend.write(x, input);
  executable.run([{ buffer: x, offset: 0 }], [{ buffer: out, offset: 0 }]);
  const { buffer } = (await backend.read(out, 0, 4 * words)).slice();
  executable.dispose();
  for (const each of [x, out]) backend.free(each);
  return buffer;
}

/** Over the sum of all terms: float32 adds up to a thousand of them. */
const TOLERANCE = 1e-6;

const shapes = fc
  .record({
    dtype: fc.constantFrom<DType>('float32', 'int32', 'uint32', 'bool'),
    combine: fc.constantFrom('sum', 'max', 'min'),
    many: fc.constantFrom(1, 1, 3, 16, 70),
    terms: fc.integer({ min: 1, max: 1000 }),
  })
  // A sum of bools is none of the operations.
  .filter(({ dtype, combine }) => dtype !== 'bool' || combine !== 'sum');

await describeOnGpu('reductions', () => {
  test('long sums of several values keep their digits', async () => {
    const [many, terms] = [3, 1 << 20];
    const b = programBuilder();
    const x = b.input('x', 'float32', 1);
    const out = b.output('out', 'float32', many);
    b.loop({
      shape: [many],
      over: [terms],
      combine: 'sum',
      args: [window(x, [0, 0])],
      body: [arg(0)],
      outs: [window(out, [1])],
    });
    const backend = (await open()) as unknown as Backend<never>;
    const third = Float32Array.of(1 / 3);
    const sums = await results(backend, b.program(), new Uint8Array(third.buffer), many);
    // 64 terms at most are added one after another, 64 such sums, and 256 of those: 1.5e-7 for each of those roundings.
    for (const sum of new Float32Array(sums))
      expect(Math.abs(sum / (terms * (third[0] as number)) - 1)).toBeLessThan(2e-5);
  });

  test.each([true, false])(
    'subgroups %s: any type, number of values and of terms',
    async (subgroups) => {
      // Software has a thread for each of many values; GPUs share them.
      const backend = (await open({ tuning: 'gpu', subgroups })) as unknown as Backend<never>;
      await fc.assert(
        fc.asyncProperty(shapes, async (shape) => {
          const got = await reduced(backend, shape);
          const want = await reduced(reference() as Backend<never>, shape);
          const most = shape.dtype === 'float32' ? TOLERANCE * shape.terms : 0;
          for (let k = 0; k < want.length; k++)
            if (!(Math.abs((got[k] as number) - (want[k] as number)) <= most))
              throw new Error(`[${k}] is ${got[k]}, the reference gives ${want[k]}`);
          expect(await reduced(backend, shape)).toEqual(got);
        }),
        { numRuns: 40, seed: 1 },
      );
      backend.dispose();
    },
  );

  test('subgroups are used where the device has them, and not where they are switched off', async () => {
    const texts = async (options: WebGpuOptions): Promise<string> => {
      const codes: string[] = [];
      const gpu = dawnSeen((device) => {
        const create = device.createShaderModule.bind(device);
        device.createShaderModule = (module) => {
          codes.push(module.code);
          return create(module);
        };
      });
      const backend = (await open({ gpu, ...options })) as unknown as Backend<never>;
      await reduced(backend, { dtype: 'float32', combine: 'sum', many: 1, terms: 9 });
      backend.dispose();
      return codes.join('\n');
    };
    expect(await texts({})).toContain('subgroupShuffleXor');
    expect(await texts({ subgroups: false })).not.toContain('subgroup');
  });

  test('totals of subgroups that are read before they are in place are seen', async () => {
    const hasty = dawnSeen((device) => {
      const create = device.createShaderModule.bind(device);
      device.createShaderModule = ({ code }) =>
        create({ code: code.replace('workgroupBarrier();', '') });
    });
    const shape = { dtype: 'int32', combine: 'sum', many: 1, terms: 500 } as const;
    const on = async (options: WebGpuOptions): Promise<number[]> => {
      const backend = (await open({ subgroups: true, ...options })) as unknown as Backend<never>;
      const got = await reduced(backend, shape);
      backend.dispose();
      return got;
    };
    const want = await reduced(reference() as Backend<never>, shape);
    expect(await on({})).toEqual(want);
    expect(await on({ gpu: hasty })).not.toEqual(want);
  });
});
