/** A training step of the sentiment model with our own packages, as a user writes it. */
import { elman, gru, lstm, recurrent } from '@ostinato/cells';
import { compile, dispose, run, type Tensor, tensor, valueAndGrad } from '@ostinato/core';
import { dense, embedding, sequential } from '@ostinato/layers';
import { adam, binaryCrossEntropy } from '@ostinato/training';
import { serve, spec } from '../../harness/serve.ts';
import { batchOf, gates, type HostTensor, type Reviews, weightsOf } from '../reviews.ts';
import { type Engine, openEngine } from './engine.ts';

const reviews = spec<Reviews & { readonly engine: Engine }>();
const { words, batch, time, features, units, learningRate, epsilon } = reviews;
const sizes = { inputs: features, units };
const returns = { returns: 'last' } as const;

const { backend, about } = await openEngine(reviews.engine);
const layer = {
  rnn: () => recurrent(elman(sizes), returns),
  lstm: () => recurrent(lstm(sizes), returns),
  gru: () => recurrent(gru({ ...sizes, reset: 'before' }), returns),
}[reviews.cell]();
const model = sequential([
  embedding({ words, units: features }),
  layer,
  dense({ inputs: units, units: 1 }),
]);
type Params = ReturnType<typeof model.init>;
const optimizer = adam({ learningRate, epsilon });
type State = { readonly params: Params; readonly slots: ReturnType<typeof optimizer.init> };

const step = compile(
  backend,
  ({ params, slots }: State, ids: Tensor, labels: Tensor): [State, Tensor] => {
    const lossOf = (p: Params): Tensor => binaryCrossEntropy(model.apply(p, ids), labels);
    const [loss, gradients] = valueAndGrad(lossOf)(params);
    const [nextParams, nextSlots] = optimizer.update(gradients, slots, params);
    return [{ params: nextParams, slots: nextSlots }, loss];
  },
  { donate: [0] },
);

function startState(): State {
  const w = weightsOf(reviews);
  const params = [
    { table: tensor(w.table) },
    {
      kernel: tensor(ourOrder(w.kernel)),
      recurrent: tensor(ourOrder(w.recurrent)),
      bias: tensor(ourOrder(w.bias)),
      recurrentBias: null,
    },
    { kernel: tensor(w.denseKernel), bias: tensor(w.denseBias) },
  ] as unknown as Params;
  return { params, slots: optimizer.init(params) };
}

/** Keras' GRU has update, reset, candidate; ours reset, update, candidate. */
function ourOrder(weights: HostTensor): HostTensor {
  if (reviews.cell !== 'gru') return weights;
  const columns = gates.gru * units;
  const data = weights.data.map((_, i) => {
    const column = i % columns;
    const from = column < units ? i + units : column < 2 * units ? i - units : i;
    return weights.data[from] as number;
  });
  return { data, shape: weights.shape };
}

const host = batchOf(reviews);
const ids = { data: host.ids, shape: [batch, time] };
const labels = { data: host.labels, shape: [batch, 1] };
let state = await run(backend, startState());

async function train(): Promise<number> {
  const [next, loss] = await step(state, ids, labels);
  state = next;
  const value = await loss.item();
  dispose(loss);
  return Number(value);
}

await serve({
  about,
  async check() {
    const losses: number[] = [];
    for (let i = 0; i < reviews.checked; i++) losses.push(await train());
    return losses;
  },
  step: train,
});
