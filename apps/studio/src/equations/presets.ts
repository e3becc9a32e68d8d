/** Cells to begin with. A new one is a row: its name, what to notice about it, and its equations. */
export interface Preset {
  readonly name: string;
  readonly about: string;
  readonly equations: string;
}

export const presets: readonly Preset[] = [
  {
    name: 'Minimal gated',
    about: 'One gate that decides how much of the state is written anew.',
    equations: `z = sigmoid(Wz x + Uz h + bz)
n = tanh(Wn x + Un (z * h) + bn)
h' = (1 - z) * h + z * n`,
  },
  {
    name: 'Layer-normed',
    about: 'A gated cell whose sums are brought to one scale before they are squashed.',
    equations: `k = sigmoid(norm(Wk x + Uk h) + bk)
n = tanh(g * norm(Wn x + Un h) + bn)
h' = k * h + (1 - k) * n
start bk = 1`,
  },
  {
    name: 'Elman',
    about: 'The plainest: everything is written anew at each step, and soon forgotten.',
    equations: `h' = tanh(W x + U h + b)`,
  },
  {
    name: 'LSTM with peepholes',
    about: 'The gates look at the memory too, each unit at its own.',
    equations: `i = sigmoid(Wi x + Ui h + pi * c + bi)
f = sigmoid(Wf x + Uf h + pf * c + bf)
c' = f * c + i * tanh(Wc x + Uc h + bc)
o = sigmoid(Wo x + Uo h + po * c' + bo)
h' = o * tanh(c')

start bf = 1    # remember, until something else is learned
start pi = 0
start pf = 0
start po = 0`,
  },
  {
    name: 'Turning',
    about: 'The input multiplies the state instead of adding to it. Nobody has a kernel for it.',
    equations: `v = tanh(V x + bv)
h' = tanh(W x + v * (U h) + b)`,
  },
];
