/** A training step of the sentiment model written with jax-js: an unrolled LSTM, and Adam by hand. */
import { serve, spec } from '../../harness/serve.ts';
import { batchOf, type HostTensor, type Reviews, weightsOf } from '../reviews.ts';
import { type JaxArray, loadJax, lstmOutputs } from './jax.ts';

const reviews = spec<Reviews>();
const { batch, time, features, units, words, learningRate, epsilon } = reviews;
if (reviews.cell !== 'lstm') throw new Error('what is written here for jax-js is an LSTM');
const jax = await loadJax();
const { numpy: np } = jax;

type Params = Record<string, JaxArray>;
const each = (tree: Params, f: (x: JaxArray, name: string) => JaxArray): Params =>
  Object.fromEntries(Object.entries(tree).map(([name, x]) => [name, f(x, name)]));
const arrayOf = ({ data, shape }: HostTensor): JaxArray => np.array(data, { shape });
const kept = (tree: Params): Params => each(tree, (x) => x.ref);

function lossOf(given: Params, labels: JaxArray): JaxArray {
  const { embedded, kernel, recurrent, bias, denseKernel, denseBias } = given as Record<
    'embedded' | 'kernel' | 'recurrent' | 'bias' | 'denseKernel' | 'denseBias',
    JaxArray
  >;
  const size = { batch, time, inputs: features, units };
  const outputs = lstmOutputs(jax, embedded, { kernel, recurrent, bias }, size);
  const last = outputs.pop() as JaxArray;
  for (const y of outputs) y.dispose();
  const x = np.matmul(last, denseKernel).add(denseBias);
  const tail = np.log(np.exp(np.abs(x.ref).mul(-1)).add(1));
  return np.mean(np.maximum(x.ref, 0).sub(x.mul(labels)).add(tail));
}
const lossAndGradients = jax.jit(jax.valueAndGrad(lossOf));

interface State {
  readonly params: Params;
  readonly first: Params;
  readonly second: Params;
}

/** `correction` is 1 / (1 - 0.9^n) and 1 / (1 - 0.999^n). */
const adam = jax.jit(
  ({ params, first, second }: State, gradients: Params, correction: JaxArray) => {
    const next = { params: {} as Params, first: {} as Params, second: {} as Params };
    for (const name of Object.keys(params)) {
      const [p, m, v, g] = [params, first, second, gradients].map((tree) => tree[name]) as [
        JaxArray,
        JaxArray,
        JaxArray,
        JaxArray,
      ];
      const mean = m.mul(0.9).add(g.ref.mul(0.1));
      const square = v.mul(0.999).add(g.ref.mul(g).mul(0.001));
      const size = np.sqrt(square.ref.mul(correction.ref.slice(1))).add(epsilon);
      next.params[name] = p.sub(mean.ref.mul(correction.ref.slice(0)).div(size).mul(learningRate));
      next.first[name] = mean;
      next.second[name] = square;
    }
    correction.dispose();
    return next;
  },
);

const host = batchOf(reviews);
const ids = np.array(host.ids, { shape: [batch * time], dtype: 'int32' });
const labels = np.array(host.labels, { shape: [batch, 1] });
const start = each(weightsOf(reviews) as never, (w) => arrayOf(w as never));
const zeros = (): Params => each(start, (_, name) => np.zeros(shapeOf(name)));
const shapeOf = (name: string): readonly number[] =>
  (weightsOf(reviews) as never as Record<string, HostTensor>)[name]?.shape ?? [];
let state: State = { params: start, first: zeros(), second: zeros() };
let steps = 0;

async function train(): Promise<number> {
  const { table, ...cell } = kept(state.params);
  const rows = (table as JaxArray).slice(ids.ref); // outside of jit: its gradient cannot be inside
  const embedded = rows.reshape([batch, time, features]);
  const [loss, { embedded: dx, ...gradients }] = lossAndGradients(
    { ...cell, embedded },
    labels.ref,
  );
  const forTable = np.array(scatterAdd(await (dx as JaxArray).data()), {
    shape: [words, features],
  });
  steps++;
  const correction = Float32Array.of(1 / (1 - 0.9 ** steps), 1 / (1 - 0.999 ** steps));
  state = adam(state, { ...gradients, table: forTable }, np.array(correction, { shape: [2] }));
  return (await loss.data())[0] as number;
}

/** The gradient of the table, in one loop over the ids. */
function scatterAdd(from: ArrayLike<number>): Float32Array {
  const gradient = new Float32Array(words * features);
  host.ids.forEach((word, i) => {
    for (let k = 0; k < features; k++) {
      const at = word * features + k;
      gradient[at] = (gradient[at] as number) + (from[i * features + k] as number);
    }
  });
  return gradient;
}

await serve({
  about: 'jax-js on wasm, unrolled',
  async check() {
    const losses: number[] = [];
    for (let i = 0; i < reviews.checked; i++) losses.push(await train());
    return losses;
  },
  step: train,
});
