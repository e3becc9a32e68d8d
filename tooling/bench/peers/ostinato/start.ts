/**
 * The first training step of a fresh process, as a user writes it: how long it takes and where that goes. Prints one line
 * of JSON and ends.
 */
import { lstm, recurrent } from '@ostinato/cells';
import { compile, key, run, type Tensor, valueAndGrad } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { dense, embedding, sequential } from '@ostinato/layers';
import { adam, binaryCrossEntropy } from '@ostinato/training';
import { spec } from '../../harness/serve.ts';
import { batchOf, type Reviews } from '../reviews.ts';
import { type Engine, openEngine } from './engine.ts';

/** In ms by the clock, and of this thread's CPU time: engines compile and collect garbage on others too. */
type Span = readonly [clock: number, cpu: number];

export interface Start {
  /** The initial values, compiled and computed before the step. */
  readonly initial: Span;
  /** From the call of the user's function to a program that can run: the sum of the next four. */
  readonly compile: Span;
  readonly trace: Span;
  readonly passes: Span;
  /** Kernels as WebAssembly, up to its bytes. */
  readonly assemble: Span;
  /** The engine's own compiling. */
  readonly engine: Span;
  /** The first call, with all of that and its run. */
  readonly first: Span;
  /** The next call. */
  readonly second: Span;
}

/** What is printed: the whole process' CPU time, too, to tell others' from it. */
export interface Timed {
  readonly start: Start;
  readonly cpuMs: number;
}

function now(): Span {
  const { user, system } = process.threadCpuUsage();
  return [performance.now(), (user + system) / 1000];
}

const between = (from: Span, to: Span): Span => [to[0] - from[0], to[1] - from[1]];
const plus = (a: Span, b: Span): Span => [a[0] + b[0], a[1] + b[1]];
const since = (from: Span): Span => between(from, now());

/** How long the engine has compiled so far. Ours asks for a module at once and for its instance later. */
let engine: Span = [0, 0];
const { instantiate, Module } = WebAssembly;
WebAssembly.Module = new Proxy(Module, {
  construct(target, [bytes]: [BufferSource]) {
    const from = now();
    const module = new target(bytes);
    engine = plus(engine, since(from));
    return module;
  },
});
WebAssembly.instantiate = (async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
  const from = now();
  const instance = await instantiate(module, imports);
  engine = plus(engine, since(from));
  return instance;
}) as typeof instantiate;

const reviews = spec<Reviews & { readonly engine: Engine }>();
const { words, batch, time, features, units, learningRate, epsilon } = reviews;

let traced = now();
let ready = now();
const { backend: opened } = await openEngine(reviews.engine);
const backend: Backend = {
  ...opened,
  async compile(program) {
    traced = now();
    engine = [0, 0];
    const executable = await opened.compile(program);
    ready = now();
    return executable;
  },
};

const model = sequential([
  embedding({ words, units: features }),
  recurrent(lstm({ inputs: features, units }), { returns: 'last' }),
  dense({ inputs: units, units: 1 }),
]);
type Params = ReturnType<typeof model.init>;
const optimizer = adam({ learningRate, epsilon });
type State = { readonly params: Params; readonly slots: ReturnType<typeof optimizer.init> };

let called = now();
let returned = now();
const step = compile(
  backend,
  ({ params, slots }: State, ids: Tensor, labels: Tensor): [State, Tensor] => {
    called = now();
    const lossOf = (p: Params): Tensor => binaryCrossEntropy(model.apply(p, ids), labels);
    const [loss, gradients] = valueAndGrad(lossOf)(params);
    const [nextParams, nextSlots] = optimizer.update(gradients, slots, params);
    returned = now();
    return [{ params: nextParams, slots: nextSlots }, loss];
  },
  { donate: [0] },
);

const began = now();
const params = await run(backend, model.init(key(1)));
let state: State = await run(backend, { params, slots: optimizer.init(params) });
const initial = since(began);

const host = batchOf(reviews);
const ids = { data: host.ids, shape: [batch, time] };
const labels = { data: host.labels, shape: [batch, 1] };

async function timed(): Promise<Span> {
  const from = now();
  const [next, loss] = await step(state, ids, labels);
  state = next;
  await loss.item();
  return since(from);
}

const first = await timed();
const second = await timed();
const start: Start = {
  initial,
  compile: between(called, ready),
  trace: between(called, returned),
  passes: between(returned, traced),
  assemble: between(engine, between(traced, ready)),
  engine,
  first,
  second,
};
const { user, system } = process.cpuUsage();
const told: Timed = { start, cpuMs: (user + system) / 1000 };
process.stdout.write(`${JSON.stringify(told)}\n`);
