/** A training step of the sentiment model with tfjs' own layers: `model.trainOnBatch`. */
import { serve, spec } from '../../harness/serve.ts';
import { batchOf, type CellName, type HostTensor, type Reviews, weightsOf } from '../reviews.ts';
import { aboutTfjs, loadTfjs, type TfEngine } from './tfjs.ts';

const reviews = spec<Reviews & TfEngine>();
const { cell, words, batch, time, features, units, learningRate, epsilon } = reviews;
const tf = await loadTfjs(reviews);

/** tfjs' default for gates is another function, and its GRU knows only the reset before the product. */
const layer: Record<CellName, [kind: string, how: object]> = {
  rnn: ['simpleRNN', { units }],
  lstm: ['lstm', { units, recurrentActivation: 'sigmoid' }],
  gru: ['gru', { units, recurrentActivation: 'sigmoid', resetAfter: false }],
};
const [kind, how] = layer[cell];
const model = tf.sequential({
  layers: [
    tf.layers.embedding?.({ inputDim: words, outputDim: features, inputLength: time }),
    tf.layers[kind]?.(how),
    tf.layers.dense?.({ units: 1, activation: 'sigmoid' }),
  ],
});
// Weights are in Keras' order on both sides, layer by layer.
const toTf = ({ data, shape }: HostTensor) => tf.tensor(data, shape);
model.setWeights(Object.values(weightsOf(reviews)).map(toTf));
model.compile({
  optimizer: tf.train.adam(learningRate, 0.9, 0.999, epsilon),
  loss: 'binaryCrossentropy',
});

const host = batchOf(reviews);
const ids = tf.tensor(host.ids, [batch, time], 'int32');
const labels = tf.tensor(host.labels, [batch, 1]);
const train = (): Promise<number> => model.trainOnBatch(ids, labels);

await serve({
  about: aboutTfjs(tf),
  async check() {
    const losses: number[] = [];
    for (let i = 0; i < reviews.checked; i++) losses.push(await train());
    return losses;
  },
  step: train,
});
