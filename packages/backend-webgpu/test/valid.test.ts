/**
 * Whatever the conformance suite asks for becomes kernels and dispatches that WebGPU accepts, within its smallest limits.
 * The reference computes, Dawn judges: no driver is needed.
 */
import { testBackend } from '@ostinato/backend-testing';
import { type Backend, type Ref, reference } from '@ostinato/core/backend';
import { nullGpu } from '@ostinato/software-gpu/vitest';
import { type GpuBuffer, type WebGpuOptions, webgpu } from '../src/index.ts';

/** The same buffer twice. */
interface Twins {
  readonly computed: ArrayBuffer;
  readonly judged: GpuBuffer;
}

async function judged(options: WebGpuOptions): Promise<Backend> {
  const { view: _, ...judge } = await webgpu({ ...options, gpu: nullGpu().gpu });
  const { limits } = judge;
  const { buffers, align } = limits;
  const computing = reference({ limits: { buffers, align } });
  const both = (refs: readonly Ref<Twins>[]) =>
    [
      refs.map(({ buffer, offset }) => ({ buffer: buffer.computed, offset })),
      refs.map(({ buffer, offset }) => ({ buffer: buffer.judged, offset })),
    ] as const;
  const backend: Backend<Twins> = {
    ...judge,
    alloc: (n, label) => ({ computed: computing.alloc(n, label), judged: judge.alloc(n, label) }),
    free(buffer) {
      computing.free(buffer.computed);
      judge.free(buffer.judged);
    },
    write(buffer, data, at) {
      computing.write(buffer.computed, data, at);
      judge.write(buffer.judged, data, at);
    },
    async read(buffer, at, bytes) {
      const values = computing.read(buffer.computed, at, bytes);
      await judge.read(buffer.judged, at, bytes); // rejects for whatever was refused until now
      return values;
    },
    async compile(program) {
      const [runs, checks] = [await computing.compile(program), await judge.compile(program)];
      return {
        run(inputs, outputs) {
          const [from, to] = [both(inputs), both(outputs)];
          runs.run(from[0], to[0]);
          checks.run(from[1], to[1]);
        },
        dispose() {
          runs.dispose();
          checks.dispose();
        },
      };
    },
  };
  return backend as Backend;
}

for (const schedule of ['stepwise', 'persistent'] as const)
  testBackend(`valid, ${schedule}`, () => judged({ schedule }), {
    size: process.env.OSTINATO_CONFORMANCE === 'full' ? 'full' : 'quick',
  });
