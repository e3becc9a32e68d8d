/**
 * One run: its model, its data, and how far it has come. Knows one backend; what the page asks for and when is in
 * studio.ts.
 */
import { compile, type Tensor } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { hostKey, uniform } from '@ostinato/core/random';
import { adam, type FitEvent, fit, type HostTree } from '@ostinato/training';
import type { CellMap, Look, RunFacts, Sample, SampleRequest, Settings } from '../protocol.ts';
import { characters } from './characters.ts';
import { type Inside, type Params, studioModel } from './model.ts';
import { sentiment } from './sentiment.ts';
import type { MakeTask } from './task.ts';

const tasks = { sentiment, characters } satisfies Record<Settings['task'], MakeTask>;

/** Tokens of a text that are looked at; one program serves them all. */
const SEEN = 64;
/** Characters that a sample has. */
const WRITTEN = 320;

export interface Session {
  readonly facts: Pick<RunFacts, 'vocabulary' | 'examples'>;
  readonly events: AsyncGenerator<FitEvent<Params>, void, void>;
  look(params: HostTree<Params>, text: string): Promise<Omit<Look, 'step'>>;
  /** Null where the model predicts no characters. */
  sample(params: HostTree<Params>, request: SampleRequest): Promise<Omit<Sample, 'step'> | null>;
  dispose(): Promise<void>;
}

/** @throws SettingsError */
export function openSession(backend: Backend, settings: Settings): Session {
  const task = tasks[settings.task](settings);
  const model = studioModel(task, settings);
  const events = fit(model, task.training, {
    backend,
    optimizer: adam({ learningRate: settings.learningRate }),
    loss: task.loss,
    metrics: { accuracy: task.accuracy },
    validation: task.heldBack,
    epochs: settings.epochs,
    batch: settings.batch,
    seed: settings.seed,
    // What a visitor types may have gradients of any size.
    clip: { norm: 1 },
  });
  const inside = compile(
    backend,
    (params: Params, ids: Tensor, lengths: Tensor): Inside =>
      model.inside(params, { ids, lengths }),
    { label: 'look inside' },
  );
  const write = compile(
    backend,
    (params: Params, ids: Tensor, lengths: Tensor, noise: Tensor): Tensor =>
      model.writeOn(params, { ids, lengths }, noise),
    { label: 'write on' },
  );
  return {
    facts: { vocabulary: task.vocabulary, examples: task.examples },
    events,
    async look(params, text) {
      const { tokens, ids } = lastOf(task.read(text));
      if (ids.length === 0) return { text, tokens, maps: [], positive: null, next: [] };
      const tensors = await inside(params as never, ...rowOf(ids));
      const count = ids.length;
      const numbers = await readRows(tensors, count);
      const { name, verdicts, ...judged } = task.judge(numbers.logits, ids);
      const map = (kind: CellMap['kind'], name: string, values: Float32Array): CellMap => ({
        kind,
        name,
        values,
        units: values.length / count,
      });
      const { gates, states, hasOutput } = model.names;
      const maps = [
        map('verdict', name, verdicts),
        ...gates.map((name) => map('gate', name, numbers.gates[name] as Float32Array)),
        ...states.map((name) => map('state', name, numbers.states[name] as Float32Array)),
        ...(hasOutput ? [map('output', 'y', numbers.output)] : []),
      ];
      return { text, tokens, maps, ...judged };
    },
    async sample(params, request) {
      if (task.predicts !== 'sequence') return null;
      const { ids } = lastOf(task.read(request.prompt));
      // Where nothing is to be gone on from, a new line begins.
      const begin = ids.length > 0 ? ids : task.read('\n').ids;
      const noise = {
        data: gumbel(request.seed, WRITTEN * task.ids).map((g) => g * request.temperature),
        shape: [WRITTEN, task.ids],
      };
      const written = await write(params as never, ...rowOf(begin.length > 0 ? begin : [0]), noise);
      const { data } = await written.read();
      written.dispose();
      const text = Array.from(data, (id) => task.vocabulary[id]).join('');
      return { ...request, text };
    },
    async dispose() {
      await events.return();
      inside.dispose();
      write.dispose();
    },
  };
}

type Read = ReturnType<ReturnType<MakeTask>['read']>;

/** What is too long keeps its end: the last tokens that the model knows, and what stands among them. */
function lastOf({ tokens, ids }: Read): Read {
  let excess = ids.length - SEEN;
  if (excess <= 0) return { tokens, ids };
  const from = tokens.findIndex(({ known }) => known && excess-- <= 0);
  return { tokens: tokens.slice(from), ids: ids.slice(-SEEN) };
}

const rowOf = (ids: readonly number[]) => {
  const data = new Int32Array(SEEN);
  data.set(ids);
  return [
    { data, shape: [1, SEEN] },
    { data: Int32Array.of(ids.length), shape: [1] },
  ] as const;
};

type Rows<T> = { readonly [K in keyof T]: T[K] extends Tensor ? Float32Array : Rows<T[K]> };

/** The first rows of each tensor, read and disposed. */
async function readRows(tensors: Inside, count: number): Promise<Rows<Inside>> {
  const rows = async (t: Tensor): Promise<Float32Array> => {
    const { data } = await t.read();
    t.dispose();
    return (data as Float32Array).slice(0, (data.length / SEEN) * count);
  };
  const tree = async (t: Inside['gates']): Promise<Record<string, Float32Array>> => {
    const read = Object.entries(t).map(async ([name, x]) => [name, await rows(x)] as const);
    return Object.fromEntries(await Promise.all(read));
  };
  const { logits, output, states, gates } = tensors;
  return {
    logits: await rows(logits),
    output: await rows(output),
    states: await tree(states),
    gates: await tree(gates),
  };
}

/** -log(-log(u)) for u in (0, 1). */
const gumbel = (seed: number, n: number): Float32Array =>
  uniform(hostKey(seed), n).map((u) => -Math.log(-Math.log(u + 2 ** -25)));
