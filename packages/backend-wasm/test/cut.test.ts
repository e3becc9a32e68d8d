/** Products of a time loop that are cut into columns: what is left is the same program, whatever windows read them. */
import {
  apply,
  arg,
  type Contract,
  type Expr,
  type Program,
  programBuilder,
  reference,
  type Scan,
  type SlotWindow,
  window,
} from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.ts';
import { cut } from '../src/passes/cut.ts';
import { expectNear } from './forced.ts';
import { runProgram } from './harness.ts';

const [rows, inputs, units, columns] = [5, 8, 16, 48];

/** Windows of x W and h U: those that are added to each other, and those that are multiplied. */
interface Windows {
  readonly added: SlotWindow;
  readonly other: SlotWindow;
}

/** h' = tanh(xW + hU) + tanh(xW) tanh(hU), of these columns and rows, over four steps. */
function programOf(ofX: (z: number) => Windows, ofH: (z: number) => Windows): Program {
  const b = programBuilder();
  const w = b.input('w', 'float32', inputs * columns);
  const u = b.input('u', 'float32', units * columns);
  const h = b.input('h', 'float32', rows * units);
  const x = b.input('x', 'float32', rows * inputs);
  const [next, y] = [
    b.output('h', 'float32', rows * units),
    b.output('y', 'float32', rows * units),
  ];
  const products = [
    [x, w, inputs],
    [h, u, units],
  ] as const;
  const [zx, zh] = products.map(([a, weights, depth]) => {
    const z = b.scratch('z', 'float32', rows * columns);
    b.contract({
      shape: [rows, columns],
      over: [depth],
      args: [window(a, [depth, 0, 1]), window(weights, [0, 1, columns])],
      out: window(z, [columns, 1]),
    });
    return z;
  }) as [number, number];
  const [p, q] = [ofX(zx), ofH(zh)];
  const tanh = (e: Expr): Expr => apply('tanh', e);
  const value = apply(
    'add',
    tanh(apply('add', arg(0), arg(1))),
    apply('mul', tanh(arg(2)), tanh(arg(3))),
  );
  b.loop({
    shape: [rows, units],
    args: [p.added, q.added, p.other, q.other],
    body: [value, value],
    outs: [next, y].map((slot) => window(slot, [units, 1])),
  });
  const body = b.program({ arenas: 1 });

  const steps = 4;
  const o = programBuilder();
  const given = [
    o.input('w', 'float32', inputs * columns),
    o.input('u', 'float32', units * columns),
    o.input('h', 'float32', rows * units),
    o.input('xs', 'float32', steps * rows * inputs),
  ] as const;
  o.scan({
    length: steps,
    body,
    consts: [window(given[0], []), window(given[1], [])],
    init: [window(given[2], [])],
    xs: [window(given[3], [rows * inputs])],
    finals: [window(o.output('final', 'float32', rows * units), [])],
    ys: [window(o.output('ys', 'float32', steps * rows * units), [rows * units])],
  });
  return o.program();
}

const plain = (column: number) => (z: number) => window(z, [columns, 1], column);
/** The last row first. */
const upwards = (column: number) => (z: number) => window(z, [-columns, 1], 4 * columns + column);
const backwards = (column: number) => (z: number) => window(z, [columns, -1], column + 15);
/** Row 2 for all. */
const sameRow = (column: number) => (z: number) => window(z, [0, 1], 2 * columns + column);
/** From row to row, as if it were one long row. */
const across = (column: number) => (z: number) => window(z, [columns - 16, 1], column);

const shapesOf = (program: Program): (readonly number[])[] =>
  (program.code[0] as Scan).body.code
    .filter((i): i is Contract => i.kind === 'contract')
    .map((i) => i.shape);

test.each([
  ['in order', plain(0), plain(16), plain(0), plain(16), [16, 16, 16, 16]],
  ['others before', plain(32), plain(0), plain(32), plain(16), [16, 32, 16, 32]],
  ['rows upwards', plain(0), upwards(32), plain(0), sameRow(16), [16, 32, 16, 32]],
  ['columns backwards', plain(16), backwards(32), plain(16), backwards(32), [16, 16, 16, 16]],
  ['added in any order', upwards(16), plain(0), upwards(16), plain(0), [16, 16, 16, 16]],
  ['columns in both', plain(8), plain(0), plain(8), plain(32), [48, 48]],
  ['across rows', plain(0), across(16), plain(0), plain(16), [48, 48]],
  ['never at the same place', plain(0), plain(16), plain(16), plain(32), [48, 48]],
] as const)('%s', async (_, xAdded, xOther, hAdded, hOther, widths) => {
  const program = programOf(
    (z) => ({ added: xAdded(z), other: xOther(z) }),
    (z) => ({ added: hAdded(z), other: hOther(z) }),
  );
  const pieces = cut(program);
  expect(shapesOf(pieces)).toEqual(widths.map((width) => [rows, width]));
  const backend = await wasm({ threads: 1 });
  const want = await runProgram(reference(), program);
  const got = await runProgram(backend, pieces);
  backend.dispose();
  // Four steps of sums of up to 16 products below 1.
  expectNear(got, want, 4e-6);
});
