/** The part of @tensorflow/tfjs that the benches use. Its own types are not there when this compiles. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface TfTensor {
  readonly shape: number[];
  readonly size: number;
  dataSync(): ArrayLike<number>;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

export interface TfModel {
  setWeights(weights: TfTensor[]): void;
  predictOnBatch(x: TfTensor): TfTensor;
  compile(how: { optimizer: unknown; loss: string }): void;
  trainOnBatch(x: TfTensor, y: TfTensor): Promise<number>;
}

type Gradient = (dy: TfTensor, saved: TfTensor[]) => Record<string, () => TfTensor>;

export interface Tf {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  /** TensorFlow's has a binding to its native code. */
  backend(): { readonly binding?: { readonly TF_Version: string } };
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype?: string): TfTensor;
  readonly train: {
    adam(rate: number, beta1: number, beta2: number, epsilon: number): unknown;
    sgd(rate: number): unknown;
  };
  sequential(how: { layers: unknown[] }): TfModel;
  readonly layers: Readonly<Record<string, (how: object) => unknown>>;
  registerGradient(how: { kernelName: string; inputsToSave: string[]; gradFunc: Gradient }): void;
  tidy<T>(f: () => T): T;
  unregisterGradient(kernelName: string): void;
}

/**
 * Which of its backends a side runs on. On wasm it has SIMD and, in Node, one thread; "tensorflow" is native code, that
 * of @tensorflow/tfjs-node.
 */
export interface TfEngine {
  readonly tfjs: 'cpu' | 'wasm' | 'webgpu' | 'tensorflow';
}

/** tfjs, from the folder that this process runs in. */
export async function loadTfjs({ tfjs }: TfEngine): Promise<Tf> {
  const load = createRequire(`${process.cwd()}/`);
  if (tfjs === 'tensorflow') offerOldUtil(load('node:util'));
  const tf = load(tfjs === 'tensorflow' ? '@tensorflow/tfjs-node' : '@tensorflow/tfjs') as Tf;
  if (tfjs === 'wasm') load('@tensorflow/tfjs-backend-wasm');
  if (tfjs === 'webgpu') {
    await offerDawn();
    load('@tensorflow/tfjs-backend-webgpu');
  }
  await tf.setBackend(tfjs);
  if (tf.getBackend() !== tfjs) throw new Error(`tfjs runs on ${tf.getBackend()}, not on ${tfjs}`);
  if (tfjs === 'tensorflow') return tf; // its own gradient of an embedding is one native operation
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

/** Which backend runs, and of TensorFlow which version: who builds tfjs-node chooses that. */
export function aboutTfjs(tf: Tf): string {
  const { binding } = tf.backend();
  return `tfjs on ${tf.getBackend()}${binding === undefined ? '' : ` ${binding.TF_Version}`}`;
}

/** tfjs-node calls two functions that Node 23 took out: without them no operation runs. */
function offerOldUtil(util: object): void {
  const isNullOrUndefined = (x: unknown): boolean => x === null || x === undefined;
  Object.assign(util, { isNullOrUndefined, isArray: Array.isArray });
}

/** tfjs looks for `navigator.gpu` and WebGPU's constants when it loads: in Node, Dawn has them. */
async function offerDawn(): Promise<void> {
  const at = createRequire(`${process.cwd()}/`).resolve('webgpu');
  const { create, globals } = (await import(pathToFileURL(at).href)) as {
    create(flags: readonly string[]): unknown;
    globals: object;
  };
  Object.assign(globalThis, globals);
  // Its own property: `navigator` holds on to the object, which must not be collected.
  Object.defineProperty(globalThis.navigator, 'gpu', { value: create([]) });
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
