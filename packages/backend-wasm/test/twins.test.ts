/** Stacks that begin with the same columns, which are packed once: where that is so, and that results are the same. */
import {
  add,
  compile,
  leavesOf,
  matmul,
  mean,
  mul,
  scan,
  sigmoid,
  split,
  sub,
  type Tensor,
  tanh,
  transpose,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import {
  apply,
  arg,
  type Backend,
  type Expr,
  outsOfInstr,
  type Program,
  programBuilder,
  reference,
  type Scan,
  window,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openWasm } from '../src/backend.ts';
import { ModuleBuilder } from '../src/module-builder.ts';
import { tighten } from '../src/passes/tighten.ts';
import { buildProgram } from '../src/program.ts';
import { findJoints } from '../src/together/joint.ts';
import { findStrips } from '../src/together/strips.ts';
import { findTwins, withoutColumns } from '../src/together/twins.ts';
import { expectNear, machine, onVariants, programOf, stripsOf, tight } from './forced.ts';
import { host, runProgram } from './harness.ts';

const always = stripsOf(20);

interface Layer {
  readonly time: number;
  readonly batch: number;
  readonly inputs: number;
  readonly units: number;
  /** None, of the input's product, or of both. */
  readonly biases: 0 | 1 | 2;
  readonly batchFirst: boolean;
  readonly ofInput: boolean;
}

/** A GRU whose reset gate comes after the product: the loss and its gradients, twice. */
async function train(backend: Backend, layer: Layer): Promise<Float32Array[]> {
  const { time, batch, inputs, units, biases, batchFirst, ofInput } = layer;
  const given = {
    w: host(1, [inputs, 3 * units]),
    u: host(2, [units, 3 * units]),
    b: [host(3, [3 * units]), host(4, [3 * units])].slice(0, biases),
    xs: host(5, batchFirst ? [batch, time, inputs] : [time, batch, inputs]),
  };
  type Given = { w: Tensor; u: Tensor; b: Tensor[]; xs: Tensor };
  const loss = ({ w, u, b: [b, d], xs }: Given): Tensor => {
    const biased = (z: Tensor, bias: Tensor | undefined): Tensor => (bias ? add(z, bias) : z);
    const step = (h: Tensor, x: Tensor): readonly [Tensor, Tensor] => {
      const [xr, xz, xn] = split(biased(matmul(x, w), b), 3) as [Tensor, Tensor, Tensor];
      const [hr, hz, hn] = split(biased(matmul(h, u), d), 3) as [Tensor, Tensor, Tensor];
      const z = sigmoid(add(xz, hz));
      const n = tanh(add(xn, mul(sigmoid(add(xr, hr)), hn)));
      const next = add(mul(z, h), mul(sub(1, z), n));
      return [next, next];
    };
    const inTime = batchFirst ? transpose(xs, [1, 0, 2]) : xs;
    const [, y] = scan(step, zeros([batch, units]), inTime);
    return mean(mul(y, y));
  };
  const gradients = compile(backend, ({ xs, ...weights }: Given) =>
    ofInput
      ? valueAndGrad(loss)({ xs, ...weights })
      : valueAndGrad((v: typeof weights) => loss({ ...v, xs }))(weights),
  );
  const args = given as never as Given;
  await gradients(args);
  const out = leavesOf(await gradients(args));
  return Promise.all(out.map(async (t) => (await t.read()).data as Float32Array));
}

const usual: Layer = {
  time: 12,
  batch: 5,
  inputs: 64,
  units: 64,
  biases: 2,
  batchFirst: false,
  ofInput: false,
};

onVariants({ ...tight, strips: always }, (agrees) => {
  test('a GRU gives what the reference gives, and two threads the same bits', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record<Layer>({
          time: fc.constantFrom(6, 9, 11, 13),
          batch: fc.integer({ min: 1, max: 6 }),
          inputs: fc.constantFrom(16, 64),
          units: fc.constantFrom(16, 24, 64),
          biases: fc.constantFrom(0, 1, 2),
          batchFirst: fc.boolean(),
          ofInput: fc.boolean(),
        }),
        // Gradients of a mean are below 1, sums of at most 78 products in float32.
        (layer) => agrees((backend) => train(backend, layer), 2e-6),
      ),
      { numRuns: 12 },
    ));
});

const namesOf = (program: Program, strips = always): readonly string[] =>
  buildProgram(new ModuleBuilder(machine({ strips }), []), program).calls.map(
    (c) => c.function.name,
  );

const trained = async (layer: Layer): Promise<Program> =>
  tighten(await programOf((backend) => train(backend, layer)), machine());

test('both products of a GRU and both sums take one turn', async () => {
  const program = await trained(usual);
  const names = namesOf(program).filter((n) => /^strips_0_/.test(n) && !/_pack_/.test(n));
  const turn = ['strips_0_made_0', 'strips_0_scan', 'strips_0_twins_0'];
  expect(names.slice(0, 9)).toEqual([...turn, ...turn, ...turn]);
  expect(names.slice(9).sort()).toEqual([0, 1, 2, 3].map((k) => `strips_0_twins_0_${k}_bring`));
});

test('not where the gradient of the input reads the stack, too', async () => {
  const program = await trained({ ...usual, ofInput: true });
  const names = namesOf(program);
  expect(names).toContain('strips_0_joint_0');
  expect(names).toContain('strips_0_joint_1');
  expect(names).not.toContain('strips_0_twins_0');
});

/** What a loop writes to its two stacks, in as many blocks of columns each. */
interface Written {
  readonly first?: readonly Expr[];
  readonly second?: readonly Expr[];
  /** Columns of a block. */
  readonly units?: number;
  /** Of both products, or of the second one. */
  readonly rows?: number;
  readonly otherRows?: number;
  /** The loop itself reads the second stack. */
  readonly read?: boolean;
  /** Stacks that are outputs. */
  readonly shown?: readonly ('first' | 'second')[];
  /** Another map writes to the second stack once more. */
  readonly twice?: boolean;
  /** The second stack's rows have a block more, which nobody reads. */
  readonly wider?: boolean;
  /** The second stack has each column of all rows together: as it is written, or read, too. */
  readonly turned?: 'written' | 'read';
  /** Both are read as if rows and columns were so far apart. */
  readonly apart?: readonly [row: number, column: number];
  /** The other operands of these products are the first columns of the same stack. */
  readonly squares?: readonly ('first' | 'second')[];
  /** The products sum over the steps only, with a matrix for each row, and the sums are of something else. */
  readonly byRows?: boolean;
  /** Of the second stack, nobody reads the last block. */
  readonly fewer?: boolean;
  /** The first half of the rows is written as above, the others as these. */
  readonly others?: { readonly first: readonly Expr[]; readonly second: readonly Expr[] };
  readonly time?: number;
}

const batch = 4;
const [h, x] = [arg(0), arg(1)];
const value = (k: number): Expr => apply('tanh', apply('mul', apply('add', h, x), float(k)));
const float = (v: number): Expr => ({ op: 'const', dtype: 'float32', value: v });
const [r, z, n, m] = [value(0.5), value(0.8), value(1.1), value(1.3)] as [Expr, Expr, Expr, Expr];

function programOfStacks(written: Written): Program {
  const { first = [r, z, n], second = [r, z, m], units = 32 } = written;
  const { rows: most = units, otherRows = most } = written;
  const { read, shown = [], twice, wider, turned, fewer, others, time = 12 } = written;
  const { apart, squares = [], byRows } = written;
  const size = batch * units;
  const used = first.length * units;
  const widths = [used, used + (wider ? units : 0)] as const;
  const b = programBuilder();
  const inputs = ['h', 'x'].map((label) => window(b.input(label, 'float32', size), [units, 1]));
  const next = b.output('next', 'float32', size);
  const ys = widths.map((width, k) => b.output(`y${k}`, 'float32', batch * width));
  const blocksFrom = (row: number) =>
    [first, second].flatMap((values, k) =>
      values.map((_, block) =>
        k === 1 && turned
          ? window(ys[k] as number, [1, batch], block * size)
          : window(
              ys[k] as number,
              [widths[k] as number, 1],
              row * (widths[k] as number) + block * units,
            ),
      ),
    );
  const shape = [others ? batch / 2 : batch, units];
  const more = others
    ? { body: [...others.first, ...others.second], at: batch / 2 }
    : { body: [], at: 0 };
  b.loop({
    shape,
    args: inputs,
    body: [...first, ...second, ...more.body],
    outs: [...blocksFrom(0), ...(others ? blocksFrom(more.at) : [])],
  });
  b.loop({ shape: [batch, units], args: inputs, body: [r], outs: [window(next, [units, 1])] });
  const [last] = blocksFrom(0).slice(-1) as [ReturnType<typeof window>];
  if (read)
    b.loop({
      shape: [batch, units],
      args: [last, window(next, [units, 1])],
      body: [apply('add', arg(0), arg(1))],
      outs: [window(next, [units, 1])],
    });
  if (twice)
    b.loop({ shape: [batch, units], args: inputs, body: [apply('mul', h, x)], outs: [last] });
  const body = b.program({ arenas: 1 });

  const o = programBuilder();
  const operands = ['a', 'b'].map((label) => o.input(label, 'float32', time * batch * most));
  const labels = ['first', 'second'] as const;
  const stacks = labels.map((label, k) =>
    o[shown.includes(label) ? 'output' : 'scratch'](
      label,
      'float32',
      time * batch * (widths[k] as number),
    ),
  );
  o.scan({
    length: time,
    reverse: true,
    body,
    init: [window(o.input('h', 'float32', size), [])],
    xs: [window(o.input('xs', 'float32', time * size), [size])],
    finals: [window(o.output('final', 'float32', size), [])],
    ys: stacks.map((slot, k) => window(slot, [batch * (widths[k] as number)])),
  });
  operands.forEach((operand, k) => {
    const rows = k === 0 ? most : otherRows;
    const [slot, width] = [stacks[k] as number, widths[k] as number];
    const columns = k === 1 && fewer ? used - units : used;
    const [row, column] = k === 1 && turned === 'read' ? [1, batch] : (apart ?? [width, 1]);
    const square = squares.includes(labels[k] as (typeof labels)[number]);
    const other = square
      ? window(slot, [column, 0, batch * width, row])
      : window(operand, [1, 0, batch * rows, rows]);
    const out = o.output(`w${k}`, 'float32', columns * rows * (byRows ? batch : 1));
    if (byRows)
      o.contract({
        shape: [rows, columns, batch],
        over: [time],
        args: [
          window(operand, [1, 0, 0, batch * rows]),
          window(slot, [0, 1, width, batch * width]),
        ],
        out: window(out, [columns * batch, 1, columns]),
      });
    else
      o.contract({
        shape: [rows, columns],
        over: [time, batch],
        args: [other, window(slot, [0, column, batch * width, row])],
        out: window(out, [columns, 1]),
      });
    const summed = byRows ? o.input(`s${k}`, 'float32', time * batch * width) : slot;
    o.loop({
      shape: [columns],
      over: [time, batch],
      args: [window(summed, [column, batch * width, row])],
      body: [arg(0)],
      outs: [window(o.output(`sum${k}`, 'float32', columns), [1])],
    });
  });
  return o.program();
}

const swapped = { first: [r, z, m], second: [r, z, n] } as const;

/** Common columns, and of which stack they are not needed. */
const cases: readonly [string, Written, readonly [number, 'first' | 'second'] | undefined][] = [
  ['two blocks', {}, [64, 'second']],
  ['one block', { second: [r, n, m] }, [32, 'second']],
  ['all', { second: [r, z, n] }, [96, 'second']],
  ['not the first ones', { second: [m, z, n] }, undefined],
  ['nor after others', { second: [r, m, n] }, [32, 'second']],
  ['the loop reads the second', { read: true }, [64, 'first']],
  ['the second is an output', { ...swapped, shown: ['second'] }, [64, 'first']],
  ['the first is an output', { shown: ['first'] }, [64, 'second']],
  ['both are', { shown: ['first', 'second'] }, undefined],
  ['the second is needed twice', { read: true, shown: ['second'] }, [64, 'first']],
  ['each is needed', { read: true, shown: ['first'] }, undefined],
  ['written twice', { twice: true }, undefined],
  ['other rows', { wider: true }, undefined],
  ['columns of all rows', { turned: 'read' }, undefined],
  ['columns of all rows, in both', { apart: [1, batch] }, undefined],
  ['rows of columns', { turned: 'written' }, undefined],
  ['fewer columns', { second: [r, z, n], fewer: true }, undefined],
  ['a matrix for each row', { byRows: true, time: 48 }, undefined],
  ['rows that overlap', { apart: [32, 1] }, undefined],
  ['every other column', { apart: [0, 2] }, undefined],
  ['the second by itself', { squares: ['second'] }, [64, 'first']],
  ['each by itself', { squares: ['first', 'second'] }, undefined],
  ['rows by halves', { others: { first: [m, z, n], second: [n, z, r] } }, undefined],
];

const backends = await Promise.all([
  openWasm({ threads: 1 }, { strips: always }),
  openWasm({ threads: 1, pairedSimd: false }, { strips: always }),
  openWasm({ threads: 2, threadsFrom: 0 }, { strips: always }),
]);
afterAll(() => {
  for (const b of backends) b.dispose();
});

test.each(cases)('the same columns: %s', async (_, written, expected) => {
  const program = programOfStacks(written);
  const [strips, ...more] = findStrips(program, findJoints(program), always);
  expect(more).toEqual([]);
  const { scan, readers } = strips as NonNullable<typeof strips>;
  expect(readers).toHaveLength(2);
  const [twins, ...others] = findTwins(scan, readers);
  expect(others).toEqual([]);
  const stackOf = ({ index }: { index: number }) => scan.ys[index];
  expect(twins?.columns).toBe(expected?.[0]);
  if (expected)
    expect(twins?.readers[1].stack).toBe(stackOf({ index: expected[1] === 'first' ? 0 : 1 }));
  expect(namesOf(program).includes('strips_0_twins_0')).toBe(expected !== undefined);

  const want = await runProgram(reference(), program);
  // Sums of 48 products below 1.
  for (const backend of backends) expectNear(await runProgram(backend, program), want, 1e-4);
});

test('the loop does not write what is not read', () => {
  const program = programOfStacks({});
  const [strips] = findStrips(program, findJoints(program), always);
  const { scan, readers } = strips as NonNullable<typeof strips>;
  const [twins] = findTwins(scan, readers);
  const windows = (s: Scan) =>
    s.body.code.flatMap(outsOfInstr).map(({ slot, offset }) => [slot, offset]);
  const [next, one, two] = scan.body.outputs as [number, number, number];
  const all = [0, 32, 64];
  expect(windows(scan)).toEqual([
    ...[one, two].flatMap((slot) => all.map((at) => [slot, at])),
    [next, 0],
  ]);
  const left = (columns: number) =>
    windows(withoutColumns(scan, twins as NonNullable<typeof twins>, columns))
      .filter(([slot]) => slot === two)
      .map(([, offset]) => offset);
  expect(left(64)).toEqual([64]);
  // A panel that has some of a block's columns is packed.
  expect(left(63)).toEqual([32, 64]);
  expect(left(96)).toEqual([64]);
  const kept = { ...scan, body: { ...scan.body, outputs: [two, one, two] } };
  expect(findTwins(kept, readers).map((t) => t.readers[1].stack)).toEqual([scan.ys[0]]);

  const bytesOf = (written: Written): number => {
    const module = new ModuleBuilder(machine({ strips: always }), []);
    buildProgram(module, programOfStacks(written));
    const map = module.functions.plain.find(({ name }) => name === 'strips_0_scan_loop_0');
    return map?.bytes.length ?? 0;
  };
  // What both are, and what has two other places for it.
  expect(bytesOf({})).toBeLessThan(bytesOf({ wider: true }) - 20);
});

test('strips of two lengths have panels of two widths, and the loop writes what one of them reads', async () => {
  // Depths of 260 and 256: panels of 8 columns, and of 24.
  const strips = stripsOf(260);
  const program = programOfStacks({ time: 129 });
  const names = namesOf(program, strips);
  expect(names).toContain('strips_0_twins_0');
  expect(names).toContain('strips_0_twins_0_64');
  const backend = await openWasm({ threads: 1, pairedSimd: false }, { strips });
  const got = await runProgram(backend, program);
  backend.dispose();
  expectNear(got, await runProgram(reference(), program), 1e-3);
});

test('not where less than a panel is the same, or rows are too many to be near, or too few', async () => {
  const paired = (written: Written): boolean =>
    namesOf(programOfStacks(written)).includes('strips_0_twins_0');
  // Blocks of 8 columns, panels of 24.
  const blocks = (alike: number): Written => ({
    first: Array<Expr>(12).fill(n),
    second: [...Array<Expr>(alike).fill(n), ...Array<Expr>(12 - alike).fill(m)],
    units: 8,
    rows: 64,
  });
  expect(paired(blocks(3))).toBe(true);
  expect(paired(blocks(2))).toBe(false);
  // A product of few rows packs nothing.
  expect(paired({ rows: 32, otherRows: 4 })).toBe(false);
  // Strips of 6 steps of 4 rows: 128 kB have 1365 rows of these.
  expect(paired({ rows: 1365 })).toBe(true);
  expect(paired({ rows: 1366 })).toBe(false);
  const long = programOfStacks({ rows: 1366 });
  const want = await runProgram(reference(), long);
  for (const backend of backends) expectNear(await runProgram(backend, long), want, 1e-4);
});
