/**
 * One recurrent layer with tfjs' own layers: `model.predictOnBatch`, or `model.trainOnBatch` with gradient descent. Its
 * `predict` cuts a batch into parts of 32 rows, one after the other.
 */
import { serve, spec } from '../../harness/serve.ts';
import {
  CHECKED,
  gates,
  type HostTensor,
  type Sequences,
  sample,
  sequenceData,
  sequenceWeights,
} from '../sequences.ts';
import { aboutTfjs, loadTfjs, type TfEngine } from './tfjs.ts';

const sequences = spec<Sequences & TfEngine>();
const { cell, mode, bias, reset, batch, time, inputs, units, learningRate } = sequences;
if (mode === 'step' || bias !== 'one' || (cell === 'gru' && reset !== 'before'))
  throw new Error('tfjs has one bias, resets before the product, and keeps no state here');
const tf = await loadTfjs(sequences);

const how = { units, recurrentActivation: 'sigmoid', returnSequences: true };
const model = tf.sequential({
  layers: [
    tf.layers[cell]?.({
      ...how,
      inputShape: [time, inputs],
      ...(cell === 'gru' && { resetAfter: false }),
    }),
  ],
});
const { kernel, recurrent, bias: one } = sequenceWeights(sequences);
model.setWeights(
  [kernel, recurrent, one].map((w) => {
    const { data, shape } = kerasOrder(w);
    return tf.tensor(data, shape);
  }),
);

/** Keras' GRU has update, reset, candidate; ours reset, update, candidate. */
function kerasOrder(weights: HostTensor): HostTensor {
  if (cell !== 'gru') return weights;
  const columns = gates.gru * units;
  const data = weights.data.map((_, i) => {
    const column = i % columns;
    const from = column < units ? i + units : column < 2 * units ? i - units : i;
    return weights.data[from] as number;
  });
  return { data, shape: weights.shape };
}

const host = sequenceData(sequences);
const x = tf.tensor(host.input.data, [batch, time, inputs]);

async function infer(): Promise<ArrayLike<number>> {
  const y = tf.tidy(() => model.predictOnBatch(x));
  const values = await y.data();
  y.dispose();
  return values;
}

const target = tf.tensor(host.target.data, [batch, time, units]);
if (mode === 'training')
  model.compile({ optimizer: tf.train.sgd(learningRate), loss: 'meanSquaredError' });
const train = (): Promise<number> => model.trainOnBatch(x, target);

await serve({
  about: aboutTfjs(tf),
  step: mode === 'training' ? train : infer,
  async check() {
    if (mode !== 'training') return sample(await infer());
    const losses: number[] = [];
    for (let k = 0; k < CHECKED; k++) losses.push(await train());
    return losses;
  },
});
