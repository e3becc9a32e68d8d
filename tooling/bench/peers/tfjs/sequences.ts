/** Inference of one recurrent layer with tfjs' own layers: `model.predict`. */
import { serve, spec } from '../../harness/serve.ts';
import {
  gates,
  type HostTensor,
  type Sequences,
  sample,
  sequenceData,
  sequenceWeights,
} from '../sequences.ts';
import { loadTfjs, type TfEngine } from './tfjs.ts';

const sequences = spec<Sequences & TfEngine>();
const { cell, mode, bias, reset, batch, time, inputs, units } = sequences;
if (mode !== 'inference' || bias !== 'one' || (cell === 'gru' && reset !== 'before'))
  throw new Error('tfjs has one bias, resets before the product, and infers only here');
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

const x = tf.tensor(sequenceData(sequences).input.data, [batch, time, inputs]);
const step = async (): Promise<ArrayLike<number>> => tf.tidy(() => model.predict(x).dataSync());

await serve({ about: `tfjs on ${tf.getBackend()}`, step, check: async () => sample(await step()) });
