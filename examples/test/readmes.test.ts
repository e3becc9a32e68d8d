/**
 * What the packages' READMEs show compiles and runs. A block that begins in the middle, as they do for a reader who has read
 * what is above, gets here what it needs, and says what it came to.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Surroundings {
  readonly before?: string;
  readonly after?: string;
  readonly says?: RegExp;
  /** Only its types are checked. */
  readonly still?: string;
}

const ids = `
import { padSequences } from '@ostinato/datasets';
const x = padSequences(Array.from({ length: 2000 }, (_, k) => [1, k]), { maxlen: 5 });
`;
const backend = `
import { cpu } from '@ostinato/backend-cpu';
const backend = cpu();
`;

/** Per package, block by block. */
const surroundings: Readonly<Record<string, readonly Surroundings[]>> = {
  'backend-cpu': [{ after: 'console.log(backend.info().name);', says: /^cpu$/m }],
  'backend-wasm': [
    {
      before: `import { square, type Tensor, tensor } from '@ostinato/core';
const trainingStep = (x: Tensor) => square(x);`,
      after: 'console.log(await (await step(tensor(3))).item()); backend.dispose();',
      says: /\b9\n$/,
    },
  ],
  'backend-webgpu': [
    {
      before: `import { type Tensor } from '@ostinato/core';
const trainingStep = (x: Tensor) => x;`,
      still: 'its own tests open the device that npm brings',
    },
  ],
  cells: [
    {
      after: 'console.log(last.shape, sequence.shape, state.length);',
      says: /\[ 2, 16 \] \[ 2, 5, 16 \] 2/,
    },
    {
      before: `${backend}
import { lstm, recurrent } from '@ostinato/cells';
import { compile, dispose, key, leaks, run, type Tensor } from '@ostinato/core';
const source = [[1, 2, 3], [4, 5, 6], [7, 8, 9]];
const show = (y: ArrayLike<number>) => console.log(y.length, 'units');`,
      after: `dispose([params, state]);
console.log('leaks', leaks(backend).length);`,
      says: /^(16 units\n){3}leaks 0\n$/,
    },
    {
      before: `${backend}
import { key, run } from '@ostinato/core';`,
      after: `const { W, U } = await run(backend, layer.init(key(0)));
console.log(W.shape, U.shape);`,
      says: /\[ 8, 16 \] \[ 16, 16 \]/,
    },
  ],
  core: [
    { says: /launches/ },
    {
      before: `${backend}
import { compile, leaks, mean, mul, scope, tensor, type Tensor } from '@ostinato/core';
const judge = compile(backend, (p: Tensor, x: Tensor) => mean(mul(p, x)));
const [params, xs] = [tensor([1, 2]), tensor([3, 4])];`,
      after: "console.log(score, 'leaks', leaks(backend).length);",
      says: /5\.5 leaks 0/,
    },
    {
      before: `${backend}
import { add, compile, run, type Tensor, tensor, zeros } from '@ostinato/core';
const advance = compile(backend, (p: Tensor, s: Tensor, x: Tensor) => add(s, add(p, x)), { donate: [1] });
const [params, input] = [tensor(1), [tensor(2), tensor(3)]];
let state = await run(backend, zeros([128]));
const play = (y: Float32Array) => console.log(y[0], y[127]);`,
      says: /^3 3\n7 7\n$/,
    },
    {
      before: `${backend}
import { peek, run, tensor } from '@ostinato/core';
const logits = await run(backend, tensor([1, 5, 2]));`,
      after: 'console.log(best);',
      says: /^1\n$/,
    },
  ],
  datasets: [
    { after: 'console.log(x.shape, y.length);', says: /\[ 2000, 25 \] 2000/ },
    { still: 'it downloads 84 MB' },
    { before: ids, after: 'console.log(ladder.length);', says: /^8\n$/ },
  ],
  layers: [{ after: 'console.log(probability.shape);', says: /\[ 1, 1 \]/ }],
  training: [
    { says: /^8 0\.\d+ (0\.[89]\d*|1)$/m },
    {
      before: `${backend}
import { abs, run, sub, type Tensor, tensor } from '@ostinato/core';
import { alignTargets, weightedMean } from '@ostinato/training';`,
      after: `const error = absoluteError(tensor([[1], [5]]), tensor([2, 2]), tensor([1, 3]));
console.log(await (await run(backend, error)).item());`,
      says: /^2\.5\n$/,
    },
    {
      before: `${backend}
import { compile, dispose, key, leaks, run } from '@ostinato/core';
import { dense } from '@ostinato/layers';
import {
  adam, binaryCrossEntropy, encodeParams, readTree, trainingState, trainingStep,
} from '@ostinato/training';
const model = dense({ inputs: 2, units: 1 });
const batch = {
  inputs: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
  targets: { data: Float32Array.of(0, 1), shape: [2, 1] },
  weights: { data: Float32Array.of(1, 1), shape: [2] },
};
const stream = [batch, batch];`,
      after: `dispose(state);
console.log(file.byteLength > 0, 'leaks', leaks(backend).length);`,
      says: /^(\d\.\d+\n){2}true leaks 0\n$/,
    },
  ],
};

const root = join(import.meta.dirname, '../..');
const packages = join(root, 'packages');
const tsc = join(root, 'node_modules/.bin/tsc');
const blocksOf = (name: string): readonly string[] =>
  Array.from(
    readFileSync(join(packages, name, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms),
    ([, code]) => code as string,
  );
/** Its blocks are parts of a test, which `own-backend.test.ts` is. */
const left = ['backend-testing'];
const shown = readdirSync(packages).filter((name) => !left.includes(name));
const cases = shown.flatMap((name) => blocksOf(name).map((code, k) => ({ name, k, code })));

// Here, and not in the system's folder, so that packages are found from it.
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(import.meta.dirname, '.readmes-'));
  for (const { name, k, code } of cases) {
    const { before = '', after = '' } = surroundings[name]?.[k] ?? {};
    writeFileSync(join(dir, `${name}-${k}.ts`), `${before}\n${code}\n${after}\n`);
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

test('every block has what it needs, and nothing is for blocks that are gone', () => {
  const counts = (of: readonly string[], count: (name: string) => number) =>
    Object.fromEntries(of.map((name) => [name, count(name)]));
  const known = counts(Object.keys(surroundings), (name) => surroundings[name]?.length ?? 0);
  expect(known).toEqual(counts(shown, (name) => blocksOf(name).length));
});

test('their types are right', async () => {
  const config = {
    extends: '../../../tsconfig.test.json',
    compilerOptions: {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      noUnusedLocals: false, // a reader goes on from what is shown
      noUnusedParameters: false,
    },
    include: ['*.ts'],
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
  const check = promisify(execFile)(tsc, ['-p', dir, '--pretty', 'false']);
  const said = await check.then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  // Packages' own files, which come from their sources here, are checked with settings of their own.
  expect(said.split('\n').filter((line) => /^\S/.test(line) && !line.startsWith('..'))).toEqual([]);
});

const running = cases.filter(({ name, k }) => !surroundings[name]?.[k]?.still);
test.each(running)('$name, block $k runs', async ({ name, k }) => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${name}-${k}.ts`], { cwd: dir });
  expect(stdout).toMatch(surroundings[name]?.[k]?.says ?? /nothing is known of this one/);
});
