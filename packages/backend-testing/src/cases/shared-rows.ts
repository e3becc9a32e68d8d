/**
 * Loops in which rows of a batch run beside what all of them share: counters, vectors and weights in the state, by step or
 * constant, of sizes that coincide with the batch. From the tensor API to results: as a loop on a backend, and with the
 * steps one after the other on the reference.
 */
import {
  add,
  broadcastTo,
  cast,
  compile,
  concat,
  dispose,
  equal,
  flatten,
  flip,
  gather,
  type HostInput,
  iota,
  less,
  matmul,
  max,
  min,
  mul,
  reshape,
  scan,
  slice,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  where,
} from '@ostinato/core';
import { type Backend, reference } from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { type Random, random } from '../random.ts';
import { near, tolerances } from '../tolerance.ts';

/**
 * Rows, masks and whole numbers are [batch, units], a column is [batch, 1], ids are [batch]; the others belong to all
 * rows: [units, units], [units] and [].
 */
type Kind = 'row' | 'mask' | 'whole' | 'column' | 'ids' | 'matrix' | 'vector' | 'number';

interface Sizes {
  readonly batch: number;
  readonly units: number;
  readonly steps: number;
}

interface Value {
  readonly kind: Kind;
  readonly value: Tensor;
}

/** Picks the `i`-th last value of a kind. */
type Pick = (kind: Kind, i: number) => Tensor;

/** One more value from those before; undefined where the sizes do not allow it. */
type Rule = (pick: Pick, sizes: Sizes, choice: readonly number[]) => Tensor | undefined;

const half = (x: Tensor): Tensor => mul(x, 0.5);
const wide = (x: Tensor, { batch, units }: Sizes): Tensor => broadcastTo(x, [batch, units]);

/** A number times each index along one of two axes. */
const byPlace = (x: Tensor, { batch, units }: Sizes, choice: number): Tensor =>
  mul(iota([batch, units], choice % 2, 'float32'), broadcastTo(x, [batch, units]));

/** A place at which to cut `units` in two, if there is one. */
const cutAt = ({ units }: Sizes, choice: number): number => 1 + (choice % Math.max(1, units - 1));

const rules: readonly (readonly [Kind, Rule])[] = [
  ['row', (pick, _, [i = 0, j = 0]) => tanh(matmul(pick('row', i), pick('matrix', j)))],
  ['row', (pick, s, [i = 0, j = 0]) => add(pick('row', i), wide(pick('vector', j), s))],
  ['row', (pick, s, [i = 0, j = 0]) => mul(pick('row', i), wide(pick('number', j), s))],
  ['row', (pick, s, [i = 0, j = 0]) => sub(pick('row', i), wide(pick('column', j), s))],
  ['row', (pick, _, [i = 0]) => flip(half(pick('row', i)), 1)],
  ['row', (pick, _, [i = 0]) => transpose(tanh(transpose(pick('row', i))))],
  [
    'row',
    (pick, s, [i = 0, j = 0, k = 0]) => {
      if (s.units === 1) return undefined;
      const [cut, rest] = [cutAt(s, k), s.units - cutAt(s, k)];
      const other = j % 2 === 0 ? pick('row', j) : wide(pick('vector', j), s);
      return concat([slice(pick('row', i), 1, 0, cut), slice(other, 1, cut, rest)], 1);
    },
  ],
  [
    'row',
    (pick, s, [i = 0, j = 0, k = 0]) => {
      const beside = concat([pick('row', i), wide(pick('vector', k), s)], 1);
      return tanh(matmul(beside, concat([pick('matrix', j), pick('matrix', k)], 0)));
    },
  ],
  [
    'row',
    (pick, { batch, units }, [i = 0]) => {
      if (units % 2 === 1) return undefined;
      const halves = [batch, 2, units / 2];
      const both = sum(reshape(pick('row', i), halves), { axes: 1, keepDims: true });
      return tanh(reshape(broadcastTo(both, halves), [batch, units]));
    },
  ],
  [
    'column',
    (pick, { units }, [i = 0]) => mul(sum(pick('row', i), { axes: 1, keepDims: true }), 1 / units),
  ],
  ['column', (pick, _, [i = 0]) => max(pick('row', i), { axes: 1, keepDims: true })],
  ['matrix', (pick, _, [i = 0, j = 0]) => tanh(matmul(pick('matrix', i), pick('matrix', j)))],
  ['matrix', (pick, _, [i = 0]) => transpose(half(pick('matrix', i)))],
  [
    'matrix',
    (pick, { units }, [i = 0, j = 0]) =>
      tanh(add(pick('matrix', i), broadcastTo(pick('vector', j), [units, units]))),
  ],
  [
    'vector',
    (pick, { units }, [i = 0, j = 0]) => mul(sum(pick('matrix', i), { axes: j % 2 }), 1 / units),
  ],
  [
    'vector',
    (pick, { units }, [i = 0, j = 0]) =>
      tanh(add(pick('vector', i), broadcastTo(pick('number', j), [units]))),
  ],
  ['number', (pick, { units }, [i = 0]) => mul(sum(pick('vector', i)), 1 / units)],
  ['row', (pick, _, [i = 0]) => gather(pick('matrix', i), pick('ids', 0))],
  ['mask', (pick, _, [i = 0, j = 0]) => less(pick('row', i), pick('row', j))],
  ['mask', (pick, _, [i = 0, j = 0]) => equal(pick('whole', i), pick('whole', j))],
  [
    'row',
    (pick, _, [i = 0, j = 0, k = 0]) => where(pick('mask', i), pick('row', j), pick('row', k)),
  ],
  ['whole', (pick, _, [i = 0, j = 0]) => add(pick('whole', i), cast(pick('mask', j), 'int32'))],
  ['row', (pick, _, [i = 0]) => mul(cast(pick('whole', i), 'float32'), 0.1)],
  ['column', (pick, _, [i = 0]) => min(pick('row', i), { axes: 1, keepDims: true })],
  // What differs from row to row, and yet comes from none.
  ['row', (pick, s, [i = 0, j = 0]) => half(byPlace(pick('number', i), s, j))],
  [
    'number',
    (pick, s, [i = 0, j = 0]) =>
      mul(sum(byPlace(pick('number', i), s, j)), 1 / (s.batch * s.units)),
  ],
];

interface Loop {
  readonly sizes: Sizes;
  readonly reverse: boolean;
  /** What the state has beside a row, a mask, whole numbers and a counter. */
  readonly state: readonly Kind[];
  /** The rules of a step, in order, and what each picks. */
  readonly rules: readonly (readonly number[])[];
  /** What the state and the ys become. */
  readonly results: readonly number[];
}

type Tensors = { readonly [name: string]: Tensor };

function randomLoop(r: Random): Loop {
  const units = r.whole(1, 9);
  const some = (): number => r.whole(0, 20);
  return {
    // Where there are as many rows as units, shapes do not tell what has rows.
    sizes: { units, batch: r.chance(0.4) ? units : r.whole(1, 9), steps: r.whole(1, 6) },
    reverse: r.chance(0.3),
    state: Array.from({ length: r.whole(0, 3) }, () =>
      r.pick<Kind>(['number', 'vector', 'matrix', 'row']),
    ),
    rules: Array.from({ length: r.whole(2, 9) }, () => [
      r.whole(0, rules.length - 1),
      some(),
      some(),
      some(),
    ]),
    results: Array.from({ length: 8 }, some),
  };
}

function step(
  { sizes, state, rules: chosen, results }: Loop,
  constants: Tensors,
  s: Tensors,
  x: Tensors,
): readonly [Tensors, Tensors] {
  const named = (tensors: Tensors, kinds: { readonly [name: string]: Kind }): Value[] =>
    Object.entries(kinds).map(([name, kind]) => ({ kind, value: tensors[name] as Tensor }));
  const carried = Object.fromEntries(state.map((kind, k) => [`s${k}`, kind]));
  const pool: Value[] = [
    ...named(x, { row: 'row', vector: 'vector', number: 'number' }),
    ...named(constants, { matrix: 'matrix', vector: 'vector' }),
    ...named(s, { h: 'row', mask: 'mask', whole: 'whole', ...carried }),
  ];
  pool.push({ kind: 'ids', value: x.ids as Tensor });
  pool.push({ kind: 'column', value: max(s.h as Tensor, { axes: 1, keepDims: true }) });
  const pick: Pick = (kind, i) => {
    const found = pool.filter((v) => v.kind === kind);
    return found[found.length - 1 - (i % found.length)]?.value as Tensor;
  };
  for (const [rule = 0, ...choice] of chosen) {
    const [kind, make] = rules[rule] as (typeof rules)[number];
    const value = make(pick, sizes, choice);
    if (value) pool.push({ kind, value });
  }
  const early = broadcastTo(less(s.count as Tensor, 2), [sizes.batch, sizes.units]);
  const next = {
    h: tanh(where(early, pick('row', 0), pick('row', 1))),
    count: add(s.count as Tensor, 1),
    mask: pick('mask', 0),
    whole: pick('whole', 0),
    ...Object.fromEntries(
      state.map((kind, k) => [`s${k}`, tanh(half(pick(kind, (results[k] as number) % 3)))]),
    ),
  };
  const any = (k: number): Tensor => pool[(results[k] as number) % pool.length]?.value as Tensor;
  return [next, { last: pick('row', 0), one: any(6), other: any(7) }];
}

function inputsOf(r: Random, { sizes: { batch, units, steps }, state }: Loop) {
  const array = (shape: readonly number[]): HostInput => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { data: Float32Array.from({ length: size }, () => r.float(-1, 1)), shape };
  };
  const shapes = { row: [batch, units], matrix: [units, units], vector: [units], number: [] };
  const of = (kind: Kind): HostInput => array(shapes[kind as keyof typeof shapes]);
  const many = (one: () => number): number[] => Array.from({ length: batch * units }, one);
  const ids = Int32Array.from({ length: steps * batch }, () => r.whole(0, units - 1));
  return {
    constants: { matrix: of('matrix'), vector: of('vector') },
    state: {
      h: of('row'),
      count: { data: Int32Array.of(0), shape: [] },
      mask: { data: many(() => r.whole(0, 1)), shape: [batch, units], dtype: 'bool' },
      whole: { data: Int32Array.from(many(() => r.whole(-3, 3))), shape: [batch, units] },
      ...Object.fromEntries(state.map((kind, k) => [`s${k}`, of(kind)])),
    },
    xs: {
      row: array([steps, batch, units]),
      vector: array([steps, units]),
      number: array([steps]),
      ids: { data: ids, shape: [steps, batch] },
    },
  };
}

type Run = (constants: Tensors, state: Tensors, xs: Tensors) => readonly [Tensors, Tensors];

/** The steps one after the other: no loop, and so no rows. */
const unrolled =
  (loop: Loop): Run =>
  (constants, init, xs) => {
    const at = (x: Tensor, t: number): Tensor => reshape(slice(x, 0, t, 1), x.shape.slice(1));
    const each = (tensors: Tensors, f: (x: Tensor) => Tensor): Tensors =>
      Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, f(x)]));
    const ys: Tensors[] = [];
    let state = init;
    for (let k = 0; k < loop.sizes.steps; k++) {
      const t = loop.reverse ? loop.sizes.steps - 1 - k : k;
      const [next, y] = step(
        loop,
        constants,
        state,
        each(xs, (x) => at(x, t)),
      );
      state = next;
      ys[t] = each(y, (v) => reshape(v, [1, ...v.shape]));
    }
    const names = Object.keys(ys[0] as Tensors);
    const stack = (name: string): Tensor => concat(ys.map((y) => y[name] as Tensor));
    return [state, Object.fromEntries(names.map((name) => [name, stack(name)]))];
  };

const looped =
  (loop: Loop): Run =>
  (constants, state, xs) => {
    const { reverse } = loop;
    return scan((s: Tensors, x: Tensors) => step(loop, constants, s, x), state, xs, { reverse });
  };

async function evaluate(
  backend: Backend,
  run: Run,
  { constants, state, xs }: ReturnType<typeof inputsOf>,
): Promise<{ paths: readonly string[]; values: ArrayLike<number>[] }> {
  const f = compile(backend, run);
  const out = await f(constants, state, xs);
  const { leaves, shape } = flatten(out);
  const values = await Promise.all(leaves.map(async (t) => (await t.read()).data));
  dispose(out);
  f.dispose();
  return { paths: shape.paths, values };
}

async function compare(backend: Backend, seed: string): Promise<void> {
  const r = random(seed);
  const loop = randomLoop(r);
  const given = inputsOf(r, loop);
  const want = await evaluate(reference() as Backend, unrolled(loop), given);
  const got = await evaluate(backend, looped(loop), given);
  want.values.forEach((values, k) => {
    for (let i = 0; i < values.length; i++) {
      const [x, y] = [values[i] as number, got.values[k]?.[i] as number];
      if (!near(y, x, tolerances.float32))
        throw new Error(
          `${seed}: ${want.paths[k]}[${i}] is ${y}, unrolled it is ${x}\n${JSON.stringify(loop)}`,
        );
    }
  });
}

/** Seeds of loops that found something once. */
const finds = [8, 47, 1190, 1349];

export const sharedCases = ({ size }: CaseOptions): ConformanceCase[] => [
  withBackend('cells: beside rows, what all of them share', async (backend) => {
    const more = Array.from({ length: size === 'full' ? 40 : 4 }, (_, k) => k);
    for (const k of new Set([...finds, ...more])) await compare(backend, `shared ${k}`);
  }),
];
