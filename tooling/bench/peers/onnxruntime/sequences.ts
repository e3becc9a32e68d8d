/** Inference of one recurrent layer with ONNX Runtime: its LSTM or GRU operator, natively or on wasm. */
import { createRequire } from 'node:module';
import { serve, spec } from '../../harness/serve.ts';
import { type Sequences, sample, sequenceData } from '../sequences.ts';
import { onnxModel } from './model.ts';

interface Ort {
  readonly env: {
    readonly wasm: { numThreads?: number };
    versions: Record<string, string | undefined>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      how: object,
    ): Promise<{
      run(feeds: object): Promise<{ readonly y: { readonly data: Float32Array } }>;
    }>;
  };
}

const sequences = spec<Sequences & { readonly runtime: 'node' | 'web' }>();
const { mode, batch, time, inputs, units, threads, runtime } = sequences;
if (mode !== 'inference') throw new Error('ONNX Runtime infers only here');
const ort = createRequire(`${process.cwd()}/`)(`onnxruntime-${runtime}`) as Ort;
if (runtime === 'web') ort.env.wasm.numThreads = threads;
const session = await ort.InferenceSession.create(onnxModel(sequences), {
  executionProviders: [runtime === 'web' ? 'wasm' : 'cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
});

/** Axes 0 and 1 of [outer, inner, width] exchanged. */
function exchanged(data: Float32Array, outer: number, inner: number, width: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let a = 0; a < outer; a++)
    for (let b = 0; b < inner; b++)
      out.set(
        data.subarray((a * inner + b) * width, (a * inner + b + 1) * width),
        (b * outer + a) * width,
      );
  return out;
}

const byTime = exchanged(sequenceData(sequences).input.data, batch, time, inputs);
const x = new ort.Tensor('float32', byTime, [time, batch, inputs]);
const step = async (): Promise<Float32Array> => (await session.run({ x })).y.data;

await serve({
  about: `onnxruntime-${runtime}, ${threads} thread(s)`,
  step,
  check: async () => sample(exchanged(await step(), time, batch, units)),
});
