/** The part of @jax-js/jax that the benches use, and an LSTM of it: it has no scan, so time is unrolled. */
import { createRequire } from 'node:module';

/** Each use of an array gives it up; `ref` keeps it for one more. */
export interface JaxArray {
  readonly ref: JaxArray;
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  /** By axis: all, from and to, one, or rows by number. */
  slice(...index: (readonly number[] | number | JaxArray)[]): JaxArray;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

type Arrays = Readonly<Record<string, JaxArray>>;

export interface Jax {
  init(device: string): Promise<unknown>;
  defaultDevice(device: string): void;
  jit<F>(f: F): F;
  valueAndGrad<P extends Arrays, A extends readonly unknown[]>(
    f: (params: P, ...rest: A) => JaxArray,
  ): (params: P, ...rest: A) => [JaxArray, P];
  readonly nn: { sigmoid(x: JaxArray): JaxArray };
  readonly numpy: {
    array(
      data: Float32Array | Int32Array,
      how: { shape: readonly number[]; dtype?: string },
    ): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    tanh(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    exp(x: JaxArray): JaxArray;
    log(x: JaxArray): JaxArray;
    abs(x: JaxArray): JaxArray;
    maximum(x: JaxArray, y: number): JaxArray;
    mean(x: JaxArray): JaxArray;
    stack(all: JaxArray[], axis: number): JaxArray;
  };
}

/** jax-js, from the folder that this process runs in, on its wasm backend. */
export async function loadJax(): Promise<Jax> {
  const jax = createRequire(`${process.cwd()}/`)('@jax-js/jax') as Jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  return jax;
}

export interface LstmSize {
  readonly batch: number;
  readonly time: number;
  readonly inputs: number;
  readonly units: number;
}

export interface LstmArrays extends Record<string, JaxArray> {
  readonly kernel: JaxArray;
  readonly recurrent: JaxArray;
  readonly bias: JaxArray;
}

/** The output of each step, [batch, units]. Gives up `x` [batch, time, inputs] and the weights. */
export function lstmOutputs(
  jax: Jax,
  x: JaxArray,
  weights: LstmArrays,
  size: LstmSize,
): JaxArray[] {
  const { numpy: np, nn } = jax;
  const { batch, time, inputs, units } = size;
  const { kernel, recurrent, bias } = weights;
  const rows = np.matmul(x.reshape([batch * time, inputs]), kernel).add(bias);
  const zx = rows.reshape([batch, time, 4 * units]);
  let [h, c] = [np.zeros([batch, units]), np.zeros([batch, units])];
  const outputs: JaxArray[] = [];
  for (let t = 0; t < time; t++) {
    const z = zx.ref.slice([], t, []).add(np.matmul(h, recurrent.ref));
    const gate = (k: number): JaxArray => z.ref.slice([], [k * units, (k + 1) * units]);
    const [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)] as const;
    z.dispose();
    c = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    h = nn.sigmoid(o).mul(np.tanh(c.ref));
    outputs.push(h.ref);
  }
  for (const done of [h, c, zx, recurrent]) done.dispose();
  return outputs;
}
