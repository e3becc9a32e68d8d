// A GRU learns whether generated sentences speak well of a film; their words are the same, their order is not.
import { cpu } from '@ostinato/backend-cpu';
import { gru, recurrent } from '@ostinato/cells';
import { encodeSplits, padSequences, sentimentCorpus } from '@ostinato/datasets';
import { dense, embedding, sequential } from '@ostinato/layers';
import { adam, binaryAccuracy, binaryCrossEntropy, evaluate, fit } from '@ostinato/training';

const { train, test } = encodeSplits(sentimentCorpus({ sentences: 2000, heldBack: 500 }));
const rows = ({ sequences, labels }: typeof train) => ({
  inputs: padSequences(sequences, { maxlen: 25 }), // word ids, int32 [rows, 25]
  targets: { data: labels, shape: [labels.length] },
});

const model = sequential([
  embedding({ words: 128, units: 32 }),
  recurrent(gru({ inputs: 32, units: 32, reset: 'after' }), { returns: 'last' }),
  dense({ inputs: 32, units: 1 }),
]);

const backend = cpu();
const measures = { loss: binaryCrossEntropy, metrics: { accuracy: binaryAccuracy } };
const optimizer = adam({ learningRate: 0.01 });
const options = { backend, optimizer, ...measures, epochs: 8, validationSplit: 0.2 };

for await (const event of fit(model, rows(train), options)) {
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: loss ${event.loss.toFixed(3)}`);
  if (event.type === 'done' && event.best) {
    const { metrics } = await evaluate(model, event.best.params, rows(test), {
      backend,
      ...measures,
    });
    console.log(`right on held-back sentences: ${metrics.accuracy}`);
  }
}
