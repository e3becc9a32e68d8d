/** What people read about the cells of the library. Knows names and equations; knows no code of theirs. */
import type { CellChoice } from '../protocol.ts';

export interface CellText {
  readonly title: string;
  readonly about: string;
  /** In the notation of src/equations, so that a visitor can take them over and change them. */
  readonly equations: string;
  /** What its quantities are called. */
  readonly names: Readonly<Record<string, string>>;
}

export const cellTexts = {
  elman: {
    title: 'Elman',
    about: 'The plainest one: the whole state is written anew at each step.',
    equations: "h' = tanh(W x + U h + b)",
    names: { h: 'state' },
  },
  gru: {
    title: 'GRU',
    about: 'Two gates: one keeps the old state, one hides it from what is to be written.',
    equations: `r = sigmoid(Wr x + br + Ur h + dr)
z = sigmoid(Wz x + bz + Uz h + dz)
n = tanh(Wn x + bn + r * (Un h + dn))
h' = z * h + (1 - z) * n`,
    names: { r: 'reset gate', z: 'update gate', n: 'candidate', h: 'state' },
  },
  lstm: {
    title: 'LSTM',
    about: 'A memory beside the state, and three gates: what is written, kept and shown.',
    equations: `i = sigmoid(Wi x + Ui h + bi)
f = sigmoid(Wf x + Uf h + bf)
g = tanh(Wg x + Ug h + bg)
o = sigmoid(Wo x + Uo h + bo)
c' = f * c + i * g
h' = o * tanh(c')
start bf = 1`,
    names: {
      i: 'input gate',
      f: 'forget gate',
      g: 'candidate',
      o: 'output gate',
      c: 'memory',
      h: 'state',
    },
  },
} satisfies Record<Exclude<CellChoice['kind'], 'own'>, CellText>;
