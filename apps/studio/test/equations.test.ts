/** Cells as text: the same numbers as cells written in code, and an answer to everything that may be typed. */
import { cpu } from '@ostinato/backend-cpu';
import {
  type Cell,
  type ElmanParams,
  elman,
  exposed,
  type GruParams,
  gru,
  type LstmParams,
  lstm,
  recurrent,
} from '@ostinato/cells';
import {
  compile,
  grad,
  key,
  leavesOf,
  mul,
  run,
  split,
  sum,
  type Tensor,
  uniform,
} from '@ostinato/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EquationParams, type EquationState, equationCell } from '../src/equations/cell.ts';
import { presets } from '../src/equations/presets.ts';
import { readEquations } from '../src/equations/read.ts';
import { namePattern } from '../src/equations/syntax.ts';
import { typeScriptOf } from '../src/equations/typescript.ts';

const sizes = { inputs: 3, units: 4 };
const x = uniform(key(7), [2, 5, sizes.inputs], { low: -1 });
const weights = uniform(key(9), [2, 5, sizes.units]);

function cellOf(text: string): Cell<EquationParams, EquationState> {
  const reading = readEquations(text);
  if (!reading.ok) throw new Error(reading.problem.message);
  return equationCell(reading.plan, sizes);
}

const numbersOf = async (tree: unknown): Promise<number[]> =>
  (await Promise.all(leavesOf(tree).map((t) => t.read()))).flatMap(({ data }) => [...data]);

/** A cell of the library, its equations, and its parameters under the names that they have there. */
interface Known<P> {
  readonly cell: Cell<P, never>;
  readonly text: string;
  named(params: P): EquationParams;
}
const known = <P>(row: Known<P>): Known<unknown> => row as Known<unknown>;

const parts = (t: Tensor | null, names: readonly string[]): Record<string, Tensor> =>
  Object.fromEntries(split(t as Tensor, names.length).map((part, i) => [names[i], part]));

const table = {
  elman: known<ElmanParams>({
    cell: elman(sizes) as never,
    text: "h' = tanh(W x + U h + b)",
    named: ({ kernel, recurrent, bias }) => ({
      matrices: { W: kernel, U: recurrent },
      vectors: { b: bias as Tensor },
    }),
  }),
  lstm: known<LstmParams>({
    cell: lstm(sizes) as never,
    text: `i = sigmoid(Wi x + Ui h + bi)
      f = sigmoid(Wf x + Uf h + bf)   # forget
      g = tanh(Wg x + Ug h + bg); o = sigmoid(Wo x + Uo h + bo)
      c' = f * c + i * g
      h' = o * tanh(c')
      start bf = 1`,
    named: ({ kernel, recurrent, bias }) => ({
      matrices: {
        ...parts(kernel, ['Wi', 'Wf', 'Wg', 'Wo']),
        ...parts(recurrent, ['Ui', 'Uf', 'Ug', 'Uo']),
      },
      vectors: parts(bias, ['bi', 'bf', 'bg', 'bo']),
    }),
  }),
  gru: known<GruParams>({
    cell: gru({ ...sizes, reset: 'before' }) as never,
    text: `r = sigmoid(Wr x + br + Ur h)
      z = sigmoid(Wz x + bz + Uz h)
      n = tanh(Wn x + bn +
        Un (r * h))
      h' = z*h + (1 − z)·n`,
    named: ({ kernel, recurrent, bias }) => ({
      matrices: {
        ...parts(kernel, ['Wr', 'Wz', 'Wn']),
        ...parts(recurrent, ['Ur', 'Uz', 'Un']),
      },
      vectors: parts(bias, ['br', 'bz', 'bn']),
    }),
  }),
};

describe('the equations of', () => {
  test.each(Object.entries(table))('%s give its outputs and its gradients', async (_, row) => {
    const backend = cpu();
    const theirs = recurrent(row.cell, { returns: 'sequence' });
    const own = recurrent(cellOf(row.text), { returns: 'sequence' });
    const params = await run(backend, theirs.init(key(1)));
    const outputs = {
      theirs: (p: unknown) => theirs.apply(p, x),
      own: (p: unknown) => own.apply(row.named(p), x),
    };
    const both = compile(backend, (p: unknown) =>
      Object.values(outputs).map((output) => {
        const loss = (q: never): Tensor => sum(mul(output(q), weights));
        return [output(p), grad(loss)(p as never)];
      }),
    );
    const [want, got] = (await both(params as never)) as [unknown, unknown];
    const [wanted, numbers] = [await numbersOf(want), await numbersOf(got)];
    expect(numbers).toHaveLength(wanted.length);
    numbers.forEach((number, i) => void expect(number).toBeCloseTo(wanted[i] as number, 5));
  });
});

describe('a typed cell', () => {
  test.each(presets.map((p) => [p.name, p.equations]))(
    'preset "%s" trains and shows its lines',
    async (_, text) => {
      const backend = cpu();
      const layer = recurrent(exposed(cellOf(text)), { returns: 'sequence' });
      const params = await run(backend, layer.init(key(1)));
      const f = compile(backend, (p: EquationParams) => {
        const shown = layer.apply(p, x);
        const loss = (q: EquationParams): Tensor => sum(mul(layer.apply(q, x).output, weights));
        return { shown, gradient: grad(loss as never)(p as never) };
      });
      const { shown, gradient } = (await f(params as never)) as never as {
        shown: ReturnType<typeof layer.apply>;
        gradient: unknown;
      };
      const named = [...text.matchAll(/^(\w+) =/gm)].map(([, name]) => name);
      expect(Object.keys(shown.gates)).toEqual(named.toSorted());
      for (const gate of Object.values(shown.gates)) expect(gate.shape).toEqual([2, 5, 4]);
      expect(shown.output.shape).toEqual([2, 5, 4]);
      const numbers = await numbersOf(gradient);
      expect(numbers.every(Number.isFinite)).toBe(true);
      expect(numbers.filter((n) => n !== 0).length).toBeGreaterThan(numbers.length / 2);
    },
  );

  test('learned vectors begin where they change nothing, or where they are told to', async () => {
    const { init } = cellOf("h' = g * tanh(W x + b - k * h)\nstart k = -0.5");
    const { vectors } = await run(cpu(), init(key(1)));
    const starts = Object.entries(vectors).map(async ([name, t]) => [
      name,
      [...(await t.read()).data],
    ]);
    expect(Object.fromEntries(await Promise.all(starts))).toEqual({
      b: [0, 0, 0, 0],
      g: [1, 1, 1, 1],
      k: [-0.5, -0.5, -0.5, -0.5],
    });
  });

  test('a state begins with its number, and numbers and single values fill rows', async () => {
    const layer = recurrent(cellOf("start s = 2\ny = mean(s)\ns' = s + sum(x) * 0 + 1\nt' = 7"), {
      returns: 'both',
    });
    const params = await run(cpu(), layer.init(key(1)));
    const { sequence, state } = await run(cpu(), layer.apply(params, x));
    const { data, shape } = await sequence.read();
    expect([shape, [...data.slice(0, 20)].filter((_, i) => i % 4 === 3)]).toEqual([
      [2, 5, 4],
      [2, 3, 4, 5, 6],
    ]);
    expect([...(await (state.t as Tensor).read()).data]).toEqual(Array(8).fill(7));
  });

  test('functions and operators', async () => {
    const inputs = [-1.5, -0.25, 0.5, 2];
    const logistic = (a: number): number => 1 / (1 + Math.exp(-a));
    const mean = 0.1875;
    const deviation = Math.sqrt(inputs.reduce((s, a) => s + (a - mean) ** 2, 0) / 4 + 1e-5);
    const exps = inputs.map(Math.exp).reduce((a, b) => a + b);
    const cases: readonly (readonly [string, (a: number) => number])[] = [
      ['relu(s)', (a) => Math.max(0, a)],
      ['softplus(s)', (a) => Math.log1p(Math.exp(a))],
      ['sigmoid(s) / 2', (a) => logistic(a) / 2],
      ['-abs(s) ^ 2', (a) => -(a ** 2)],
      ['2 - 3 - s', (a) => -1 - a],
      ['8 / 2 / 2 * exp(s)', (a) => 2 * Math.exp(a)],
      ['sqrt(abs(s)) * sign(s)', (a) => Math.sqrt(Math.abs(a)) * Math.sign(a)],
      ['sin(s) + cos(s)', (a) => Math.sin(a) + Math.cos(a)],
      ['min(s, 1) + max(s, 0)', (a) => Math.min(a, 1) + Math.max(a, 0)],
      ['log(1e0 + exp(s))', (a) => Math.log1p(Math.exp(a))],
      ['norm(s)', (a) => (a - mean) / deviation],
      ['s - mean(s)', (a) => a - mean],
      ['softmax(s) * sum(exp(s))', (a) => Math.exp(a)],
      ['softmax(s)', (a) => Math.exp(a) / exps],
    ];
    const rows = { data: Float32Array.from(inputs), shape: [1, 4] };
    for (const [text, want] of cases) {
      const { step } = cellOf(`s' = ${text}`);
      const f = compile(cpu(), (s: Tensor) => step({ matrices: {}, vectors: {} }, { s }, s)[1]);
      const { data } = await (await f(rows)).read();
      inputs.forEach(
        (a, i) => void expect([text, data[i]]).toEqual([text, expect.closeTo(want(a), 5)]),
      );
    }
  });
});

test('whatever is a name is one in a program', () => {
  const every = Array.from({ length: 0x110000 }, (_, i) => String.fromCodePoint(i));
  const isName = new RegExp(`^${namePattern}$`, 'u');
  const names = every.flatMap((character) =>
    [character, `b${character}`].filter((name) => isName.test(name)),
  );
  expect(names.length).toBeGreaterThan(200_000);
  expect(names.filter((name) => !/^[\p{ID_Start}_]\p{ID_Continue}*$/u.test(name))).toEqual([]);
});

test("every prime is a prime, a phone's as well", () => {
  for (const prime of "'′’‘ʹ") {
    const reading = readEquations(`h${prime} = tanh(W x + U h)`);
    expect([prime, reading.ok && reading.plan.states]).toEqual([prime, [{ name: 'h', start: 0 }]]);
  }
});

/** Text, the place in it, and a part of what is said. */
const mistakes: readonly (readonly [string, string, string])[] = [
  ['', '1:1', 'No line gives a state'],
  ['z = sigmoid(W x)', '1:1', "Write h' = ..."],
  ["h' = tanh(W x + U h", '1:20', 'The parenthesis of tanh is open, but the line ends'],
  ["h' = tanh(W x))", '1:15', 'should end here, but “)”'],
  ["h' = tanh W x", '1:6', 'Put what it is of into parentheses: tanh(...)'],
  ["h' = tahn(W x)", '1:6', 'tahn is no function. There are tanh, sigmoid'],
  ["h' = z h", '1:8', 'Put + - * or / between two values'],
  ["h' = W x + ", '1:12', 'A value is missing: the line ends'],
  ["h' = W + U h", '1:6', 'W begins with a capital letter, so it is a matrix'],
  ["h' = max(W x)", '1:6', 'max takes 2, but got 1'],
  ["h' = W x ? 1", '1:10', '“?” means nothing here'],
  ["h' = z²¹ + W x", '1:7', '“²¹” means nothing here. For a power write ^ 21.'],
  ["h' = W x + b₁", '1:13', '“₁” means nothing here. For a part of a name write 1.'],
  ["h' = W x + 1e400 * h", '1:12', '1e400 is too large: numbers go up to 3.4e38'],
  // Finite as a double, not as a float32.
  ["h' = W x\nstart h = -3.5e38", '2:12', '3.5e38 is too large'],
  ["h' = ½ * h", '1:6', '“½” means nothing here. Use names, numbers'],
  ["h' = W x + b\nz = h'' + 1", '2:7', 'should end here'],
  ["# nothing\n\n  h' := 2", '3:6', '“:” means nothing here'],
  ["h' == 2", '1:5', 'A value is missing'],
  ["W = 3\nh' = W x", '1:1', 'W cannot be computed, because it is a matrix that is learned'],
  ["tanh = 3\nh' = W x", '1:1', 'because it is a function'],
  ["x = 3\nh' = W x", '1:1', 'x is the input'],
  ["h = W x\nh' = h", '1:1', "h is the state before the step. Write h'"],
  ["h' = W x\nh' = h", '2:1', "h' has a value already"],
  ["z = 1\nz = 2\nh' = z", '2:1', 'z has a value already'],
  ["a = z + 1\nz = 2\nh' = a", '1:5', 'z is used before the line that gives it'],
  ["a = c' + 1\nc' = a", '1:5', "c' is used before the line that gives it"],
  ["h' = b' + 1", '1:6', "No line gives b'"],
  ["h' = x", '1:1', "h' gets as many numbers as the input"],
  ["y = x\nh' = W x", '1:1', 'Put a matrix in front: W x'],
  ["h' = tanh(x + U h)", '1:13', '“+” gets as many numbers as the input and as many'],
  [
    "h' = W x + W h",
    '1:12',
    'W multiplies as many numbers as the cell has units here, and as many numbers as the input on line 1',
  ],
  ["h' = W 3", '1:6', 'W multiplies a number that never changes'],
  ["h' = W x\nstart b = 1", '2:7', 'start b: there is no state and no learned vector'],
  ["h' = W x\nstart W = 1", '2:7', 'W is a matrix and starts with random numbers'],
  ["h' = W x + b\nstart b = x", '2:11', 'b starts with a number, but “x”'],
  ["h' = W x + b\nstart b = 1\nstart b = 2", '3:7', 'b starts twice'],
  ['+', '1:1', 'A line begins with a name'],
];

describe('a mistake is said, with its place', () => {
  test.each(mistakes)('%j at %s: %s', (text, place, message) => {
    const reading = readEquations(text);
    expect(reading.ok).toBe(false);
    if (reading.ok) return;
    const { at, message: said } = reading.problem;
    expect(said).toContain(message);
    expect(`${at.line}:${at.column}`).toBe(place);
    expect(at.length).toBeGreaterThan(0);
  });

  const most = {
    parentheses: (n: number) => `h' = W x + ${'('.repeat(n / 2)}h${')'.repeat(n / 2)}`,
    'minus signs': (n: number) => `h' = W x + ${'-'.repeat(n)}h`,
    terms: (n: number) => `h' = W x${' - h'.repeat(n / 2)}`,
    powers: (n: number) => `h' = W x * 1${' ^ h'.repeat(n / 2)}`,
    matrices: (n: number) => `h' = ${'U '.repeat(n)}W x`,
    calls: (n: number) => `h' = W x + ${'tanh('.repeat(n / 3)}h${')'.repeat(n / 3)}`,
    lines: (n: number) =>
      `a0 = W x\n${Array.from({ length: n / 5 }, (_, i) => `a${i + 1} = a${i} - h`).join('\n')}\nh' = a${n / 5}`,
  };

  test.each(Object.entries(most))('so many %s that no stack holds them', (_, text) => {
    const reading = readEquations(text(40_000));
    expect(!reading.ok && reading.problem.message).toContain('more than 500 names, numbers');
  });

  test.each(Object.entries(most))('as many %s as there may be are a cell', async (_, text) => {
    const reading = readEquations(text(490));
    if (!reading.ok) throw new Error(reading.problem.message);
    expect(typeScriptOf(reading.plan)).toContain('export const cell');
    const backend = cpu();
    const layer = recurrent(cellOf(text(490)), { returns: 'last' });
    const loss = (p: EquationParams): Tensor => sum(layer.apply(p, x));
    const f = compile(backend, (p: EquationParams) => grad(loss as never)(p as never));
    const params = await run(backend, layer.init(key(1)));
    expect(leavesOf(await f(params as never))).toHaveLength(reading.plan.matrices.length);
  });

  test('a line keeps its text, over several lines and beside another one', () => {
    const reading = readEquations(
      'z = sigmoid(\n  W x  # of the word\n) ; h‘ = tanh(U h) * z # all',
    );
    const sources = reading.ok && reading.plan.lines.map(({ source }) => source);
    expect(sources).toEqual(['sigmoid( W x )', 'tanh(U h) * z']);
  });

  test('comments and empty lines do not count', () => {
    expect(readEquations(`${'# a = 1\n\n'.repeat(2000)}h' = W x`).ok).toBe(true);
  });

  test('whatever is typed is a cell that can be traced, or a problem', () => {
    const words = [
      "h'",
      'h',
      'x',
      'z',
      'b',
      'W',
      'U',
      '=',
      '+',
      '-',
      '*',
      '/',
      '^',
      '(',
      ')',
      ',',
      'tanh',
      'mean',
      '2',
      '\n',
      'start',
      "'",
      '#',
      'é',
      '😀',
    ];
    let cells = 0;
    const typed = fc.array(fc.constantFrom(...words), { maxLength: 12 });
    const likely = fc.array(fc.constantFrom(...words), { maxLength: 5 }).map((w) => ["h' =", ...w]);
    fc.assert(
      fc.property(fc.oneof(typed, likely), (parts) => {
        const reading = readEquations(parts.join(' '));
        if (!reading.ok) return;
        cells++;
        const { init, start, step } = equationCell(reading.plan, sizes);
        const params = init(key(0));
        const [state] = step(params, start(params, 2), uniform(key(1), [2, sizes.inputs]));
        for (const t of Object.values(state)) expect(t.shape).toEqual([2, 4]);
      }),
      { numRuns: 3000 },
    );
    expect(cells).toBeGreaterThan(50);
  });
});
