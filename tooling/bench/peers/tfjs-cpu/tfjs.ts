/** The part of @tensorflow/tfjs that the benches use. Its own types are not there when this compiles. */
import { createRequire } from 'node:module';

export interface TfTensor {
  readonly shape: number[];
  readonly size: number;
  dataSync(): ArrayLike<number>;
}

export interface TfModel {
  setWeights(weights: TfTensor[]): void;
  compile(how: { optimizer: unknown; loss: string }): void;
  trainOnBatch(x: TfTensor, y: TfTensor): Promise<number>;
}

type Gradient = (dy: TfTensor, saved: TfTensor[]) => Record<string, () => TfTensor>;

export interface Tf {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype?: string): TfTensor;
  readonly train: {
    adam(rate: number, beta1: number, beta2: number, epsilon: number): unknown;
  };
  sequential(how: { layers: unknown[] }): TfModel;
  readonly layers: Readonly<Record<string, (how: object) => unknown>>;
  registerGradient(how: { kernelName: string; inputsToSave: string[]; gradFunc: Gradient }): void;
  unregisterGradient(kernelName: string): void;
}

/** tfjs, from the folder that this process runs in, on its cpu backend. */
export async function loadTfjs(): Promise<Tf> {
  const tf = createRequire(`${process.cwd()}/`)('@tensorflow/tfjs') as Tf;
  await tf.setBackend('cpu');
  if (tf.getBackend() !== 'cpu') throw new Error(`tfjs runs on ${tf.getBackend()}, not on cpu`);
  tf.unregisterGradient('GatherV2');
  tf.registerGradient({
    kernelName: 'GatherV2',
    inputsToSave: ['x', 'indices'],
    gradFunc: (dy, [table, ids]) => ({
      x: () => scatterAdd(tf, dy, table as TfTensor, ids as TfTensor),
      indices: () => ids as TfTensor,
    }),
  });
  return tf;
}

/**
 * The gradient of an embedding's table, in one loop over the ids. tfjs' own compares every id with every word and keeps
 * all masks: for 10 000 words that is minutes and gigabytes a step, and nothing but that would be measured.
 */
function scatterAdd(tf: Tf, dy: TfTensor, table: TfTensor, ids: TfTensor): TfTensor {
  const columns = table.shape[1] as number;
  const [gradient, from, rows] = [new Float32Array(table.size), dy.dataSync(), ids.dataSync()];
  for (let i = 0; i < ids.size; i++) {
    const row = (rows[i] as number) * columns;
    for (let k = 0; k < columns; k++)
      gradient[row + k] = (gradient[row + k] as number) + (from[i * columns + k] as number);
  }
  return tf.tensor(gradient, table.shape);
}
