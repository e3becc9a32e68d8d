/** The three models that are compared: words to vectors, one recurrent layer, one logit. Knows no data and no backend. */
import { elman, gru, type Layer, lstm, recurrent } from '@ostinato/cells';
import { dense, dropout, embedding, sequential } from '@ostinato/layers';
import type { CellName, Settings } from './options.ts';

/** From [batch, embedding] and a state to the next state and [batch, units], over the whole text; the last output counts. */
const layers: Record<CellName, (inputs: number, units: number) => Layer<unknown>> = {
  rnn: (inputs, units) => recurrent(elman({ inputs, units }), { returns: 'last' }),
  lstm: (inputs, units) => recurrent(lstm({ inputs, units }), { returns: 'last' }),
  // The reset gate acts behind the product, as in Keras and PyTorch.
  gru: (inputs, units) => recurrent(gru({ inputs, units, reset: 'after' }), { returns: 'last' }),
};

/**
 * Embedding -> cell -> Dense(1): ids [batch, steps] to logits [batch, 1]. The sigmoid behind it is part of the loss,
 * where no logit overflows.
 */
export function classifier(
  cell: CellName,
  settings: Pick<Settings, 'words' | 'embedding' | 'units' | 'dropout'>,
): Layer<readonly unknown[]> {
  const { words, units, dropout: rate } = settings;
  return sequential([
    embedding({ words, units: settings.embedding }),
    layers[cell](settings.embedding, units),
    dropout({ rate }),
    dense({ inputs: units, units: 1 }),
  ]);
}
