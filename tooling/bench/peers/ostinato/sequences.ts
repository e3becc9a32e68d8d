/** One recurrent layer with our own packages, as a user writes it. */
import { type Cell, gru, lstm, recurrent } from '@ostinato/cells';
import {
  compile,
  dispose,
  peek,
  run,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
} from '@ostinato/core';
import { meanSquaredError, type OptimizerState, sgd } from '@ostinato/training';
import { serve, spec, type Work } from '../../harness/serve.ts';
import {
  CHECKED,
  outputGradient,
  type Sequences,
  sample,
  sequenceData,
  sequenceWeights,
} from '../sequences.ts';
import { type Engine, openEngine } from './engine.ts';
import { normedLstm } from './normed-lstm.ts';

/** The parameters of either cell, and the state of either. */
type Params = Readonly<Record<string, Tensor | null>>;
type State = Tensor | Readonly<Record<string, Tensor>>;

const sequences = spec<Sequences & { readonly engine: Engine }>();
const { inputs, units, bias, reset, learningRate } = sequences;
const { backend, about } = await openEngine(sequences.engine);
const cells = {
  lstm: () => lstm({ inputs, units, bias }),
  gru: () => gru({ inputs, units, bias, reset }),
  normed: () => normedLstm(units),
};
const cell = cells[sequences.cell]() as unknown as Cell<Params, State>;
const layer = recurrent(cell, { returns: 'sequence' });
const host = sequenceData(sequences);

/** In the order in which all sides give their gradients. */
const weightNames = ['kernel', 'recurrent', 'bias', 'recurrentBias'] as const;

function hostParams(): Params {
  const { recurrentBias, ...one } = sequenceWeights(sequences);
  const params = Object.fromEntries(Object.entries(one).map(([name, w]) => [name, tensor(w)]));
  if (sequences.cell === 'normed') {
    const { data, shape } = recurrentBias; // a gain around 1
    return { ...params, gain: tensor({ data: data.map((x) => x + 1), shape }) };
  }
  return { ...params, recurrentBias: bias === 'two' ? tensor(recurrentBias) : null };
}

async function inference(): Promise<Work> {
  const apply = compile(backend, (params: Params, x: Tensor) => layer.apply(params, x));
  const [params, x] = await run(backend, [hostParams(), tensor(host.input)] as const);
  const step = async (): Promise<number[]> => look(await apply(params, x), ends);
  return { about, step, check: async () => look(await apply(params, x), sample) };
}

async function gradients(): Promise<Work> {
  const back = compile(backend, (params: Params, x: Tensor, given: Tensor): Tensor[] => {
    const [, pullback] = vjp((p: Params) => layer.apply(p, x), params);
    const found = pullback(given);
    return weightNames.flatMap((name) => found[name] ?? []);
  });
  const onHost = [hostParams(), tensor(host.input), tensor(outputGradient(sequences))] as const;
  const [params, x, given] = await run(backend, onHost);
  const step = async (of: Look): Promise<number[]> => {
    const found = await back(params, x, given);
    return (await Promise.all(found.map((t) => look(t, of)))).flat();
  };
  return { about, step: () => step(ends), check: () => step(sample) };
}

interface Training {
  readonly params: Params;
  readonly slots: OptimizerState<'velocity'>;
}

async function training(): Promise<Work> {
  const optimizer = sgd({ learningRate });
  const train = compile(
    backend,
    ({ params, slots }: Training, x: Tensor, target: Tensor): [Training, Tensor] => {
      const lossOf = (p: Params): Tensor => meanSquaredError(layer.apply(p, x), target);
      const [loss, gradients] = valueAndGrad(lossOf)(params);
      const [nextParams, nextSlots] = optimizer.update(gradients, slots, params);
      return [{ params: nextParams, slots: nextSlots }, loss];
    },
    { donate: [0] },
  );
  const params = hostParams();
  const start: Training = { params, slots: optimizer.init(params) };
  let state = await run(backend, start);
  const [x, target] = await run(backend, [tensor(host.input), tensor(host.target)] as const);
  const step = async (): Promise<number> => {
    const [next, loss] = await train(state, x, target);
    state = next;
    const value = await loss.item();
    dispose(loss);
    return value;
  };
  return { about, step, check: () => repeated(step) };
}

async function streaming(): Promise<Work> {
  const advance = compile(
    backend,
    (params: Params, state: State, x: Tensor) => cell.step(params, state, x),
    { donate: [1] },
  );
  const params = await run(backend, hostParams());
  let state = await run(backend, cell.start(hostParams(), 1));
  const x = { data: host.input.data, shape: [1, inputs] };
  const stepTo = async (of: Look): Promise<number[]> => {
    const [next, y] = await advance(params, state, x);
    state = next;
    return look(y, of);
  };
  const check = async () => (await repeated(() => stepTo(sample))).flat();
  return { about, step: () => stepTo(ends), check };
}

type Look = (values: ArrayLike<number>) => number[];

/** Looks at a result where it lies, as NumPy does at PyTorch's, and gives it back. */
async function look(t: Tensor, of: Look): Promise<number[]> {
  const seen = await peek(t, ({ data }) => of(data));
  dispose(t);
  return seen;
}

/** The values are there. */
const ends: Look = (values) => [values[0] as number, values[values.length - 1] as number];

async function repeated<T>(step: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < CHECKED; i++) all.push(await step());
  return all;
}

const works = { inference, gradients, training, step: streaming };
await serve(await works[sequences.mode]());
