/** Cells that the studio writes as programs: they compile, and they compute what the equations say. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpu } from '@ostinato/backend-cpu';
import { type Cell, recurrent } from '@ostinato/cells';
import { key, leavesOf, run, type Tensor, uniform } from '@ostinato/core';
import { beforeAll, expect, test } from 'vitest';
import { type EquationParams, type EquationState, equationCell } from '../src/equations/cell.ts';
import type { Plan } from '../src/equations/check.ts';
import { presets } from '../src/equations/presets.ts';
import { readEquations } from '../src/equations/read.ts';
import { typeScriptOf } from '../src/equations/typescript.ts';
import { cellTexts } from '../src/page/cell-texts.ts';

const folder = `${import.meta.dirname}/../runs/programs`;
const sizes = { inputs: 3, units: 4 };

const texts: readonly (readonly [name: string, text: string])[] = [
  ...presets.map(({ name, equations }) => [name, equations] as const),
  ...Object.entries(cellTexts).map(([name, { equations }]) => [name, equations] as const),
  ['nothing learned', "h' = h + sum(x) / 7"],
  [
    'an output of its own, a number, rows of one',
    "n = -2\nh' = tanh(W x + V mean(x) + U h)\ny = softmax(h' * n) ^ 2",
  ],
  [
    'functions of numbers',
    "a = norm(2) + softmax(3) + sum(4) * mean(a0)\nh' = min(relu(-1) + softplus(1), W x) + max(2, 3) - a",
  ],
  [
    'names that mean something in a program',
    "new = sigmoid(W x + add)\nwide = new * own\nhNext' = key * wide + o\nh' = hNext' + batch + norm(h)",
  ],
  [
    'names that every object has',
    "toString = tanh(W x + constructor)\n__proto__' = tanh(toString + U __proto__)\nhasOwnProperty' = __proto__ + valueOf",
  ],
  ['an underscore, and nothing learned', "_ = 0.5\n__' = tanh(__) + _"],
  ['an underscore as the state', "_' = tanh(_) + sum(x)"],
  ['the largest number', "h' = tanh(W x + U h) * 3.4e38\nstart h = -3.4e38"],
  ['a learned __proto__', "h' = tanh(W x + __proto__ * h)\nstart __proto__ = 2"],
];

const planOf = (text: string): Plan => {
  const reading = readEquations(text);
  if (!reading.ok) throw new Error(reading.problem.message);
  return reading.plan;
};

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  texts.forEach(([, text], i) => {
    writeFileSync(`${folder}/${i}.ts`, typeScriptOf(planOf(text)));
  });
});

test('they compile, strictly', () => {
  const files = texts.map((_, i) => `${i}.ts`);
  const config = { extends: '../../tsconfig.test.json', include: ['*.ts'], references: [] };
  // What is typed may have names that nothing uses.
  const unused = { noUnusedLocals: false, noUnusedParameters: false };
  const compilerOptions = { composite: false, noEmit: true, emitDeclarationOnly: false, ...unused };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ ...config, compilerOptions, files }));
  const tsc = `${import.meta.dirname}/../../../node_modules/.bin/tsc`;
  try {
    execFileSync(tsc, ['-p', folder], { encoding: 'utf8' });
  } catch (error) {
    throw new Error(String((error as { stdout: string }).stdout));
  }
});

test.each(texts.map(([name, text], i) => [name, text, i] as const))('%s', async (_, text, i) => {
  const backend = cpu();
  const x = uniform(key(7), [2, 5, sizes.inputs], { low: -1 });
  const own = equationCell(planOf(text), sizes);
  const program = (await import(`${folder}/${i}.ts`)) as {
    cell(inputs: number, units: number): Cell<Record<string, Tensor>, EquationState>;
  };
  const written = program.cell(sizes.inputs, sizes.units);
  const params: EquationParams = own.init(key(1));
  const numbersOf = async (tree: unknown): Promise<number[]> =>
    (await Promise.all(leavesOf(await run(backend, tree)).map((t) => t.read()))).flatMap(
      ({ data }) => [...data],
    );
  const flat = { ...params.matrices, ...params.vectors };
  const outputs = (cell: unknown, p: unknown): Promise<number[]> => {
    const layer = recurrent(cell as Cell<unknown, EquationState>, { returns: 'both' });
    const { sequence, state } = layer.apply(p, x);
    return numbersOf([sequence, state]);
  };
  const want = await outputs(own, params);
  expect(await outputs(written, flat)).toEqual(want);
  // And it begins as the other one does.
  expect(await numbersOf(written.init(key(1)))).toEqual(
    Object.keys(flat).length > 0 ? await numbersOf(flat) : [],
  );
});
