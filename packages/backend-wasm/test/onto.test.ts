/** Products of a time loop that begin from what is added to them: which do, and that they are right. */
import {
  apply,
  arg,
  type Expr,
  outsOfInstr,
  type Program,
  programBuilder,
  type Scan,
  type SlotWindow,
  window,
} from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { absorb } from '../src/passes/absorb.ts';
import { addOnto } from '../src/passes/onto.ts';
import { machine, onVariants, tight } from './forced.ts';
import { runProgram } from './harness.ts';

// Tiles of six rows, and rows that are left over; panels of 16 columns.
const [time, rows, units] = [4, 20, 32];
const size = rows * units;

interface Step {
  readonly slots: Readonly<
    Record<'u' | 'b' | 'h' | 'x' | 'kept' | 'z' | 'late' | 'next' | 'y', number>
  >;
  /** A map of all rows and units. */
  map(args: readonly SlotWindow[], body: readonly Expr[], outs: readonly SlotWindow[]): void;
  /** A product with U. */
  product(from: number, to: number): void;
}

const rowsOf = (slot: number): SlotWindow => window(slot, [units, 1]);
const backwards = (slot: number): SlotWindow => window(slot, [units, -1], units - 1);
const plus = (...[first, ...rest]: readonly [Expr, ...Expr[]]): Expr =>
  rest.reduce((a, b) => apply('add', a, b), first);
const tanh = (x: Expr): Expr => apply('tanh', x);

/** kept = h x and y = tanh(h), then z = y U, then whatever `ends` says. */
function programOf(ends: (step: Step) => void): Program {
  const b = programBuilder();
  const slots = {
    u: b.input('u', 'float32', units * units),
    b: b.input('b', 'float32', units),
    h: b.input('h', 'float32', size),
    x: b.input('x', 'float32', size),
    next: b.output('h', 'float32', size),
    y: b.output('y', 'float32', size),
    kept: b.scratch('kept', 'float32', size),
    z: b.scratch('z', 'float32', size),
    late: b.scratch('late', 'float32', size),
  };
  const shape = [rows, units];
  const map: Step['map'] = (args, body, outs) => b.loop({ shape, args, body, outs });
  const { u, h, x, kept, z, y } = slots;
  const made = [apply('mul', arg(0), arg(1)), tanh(arg(0))];
  map([rowsOf(h), rowsOf(x)], made, [rowsOf(kept), rowsOf(y)]);
  const product: Step['product'] = (from, to) =>
    b.contract({
      shape,
      over: [units],
      args: [window(from, [units, 0, 1]), window(u, [0, 1, units])],
      out: rowsOf(to),
    });
  product(y, z);
  ends({ slots, map, product });
  const body = b.program({ arenas: 1 });

  const o = programBuilder();
  const consts = [o.input('u', 'float32', units * units), o.input('b', 'float32', units)];
  o.scan({
    length: time,
    body,
    consts: consts.map((slot) => window(slot, [])),
    init: [window(o.input('h', 'float32', size), [])],
    xs: [window(o.input('x', 'float32', time * size), [size])],
    finals: [window(o.output('final', 'float32', size), [])],
    ys: [window(o.output('ys', 'float32', time * size), [size])],
    rows: {
      count: rows,
      inputs: [false, false, true, true],
      outputs: [true, true],
      axis: body.code.map(() => 0),
      stride: body.slots.map((_, k) => (k === slots.u || k === slots.b ? null : units)),
    },
  });
  return o.program();
}

/** What the step consists of afterwards: outs of maps, products with what they begin from. */
const partsOf = (program: Program): string[] =>
  (addOnto(absorb(program, machine()), machine()).code[0] as Scan).body.code.map((i) => {
    if (i.kind !== 'contract') return `map to ${outsOfInstr(i).length}`;
    const { biases = [], onto = false } = i as { biases?: readonly unknown[]; onto?: boolean };
    return `product${onto ? ' onto' : ''}${biases.length > 0 ? ' biases' : ''}`;
  });

const joined: Readonly<Record<string, readonly [(step: Step) => void, readonly string[]]>> = {
  'what the map before has made': [
    ({ slots: { kept, z, next }, map }) =>
      map([rowsOf(kept), rowsOf(z)], [plus(arg(0), arg(1))], [rowsOf(next)]),
    ['map to 2', 'product onto'],
  ],
  'more of it, and what the map did not have': [
    ({ slots: { kept, z, h, x, next }, map }) =>
      map(
        [rowsOf(z), rowsOf(kept), rowsOf(h), backwards(x)],
        [plus(apply('mul', arg(1), arg(3)), arg(0), tanh(arg(2)))],
        [rowsOf(next)],
      ),
    ['map to 2', 'product onto'],
  ],
  'with biases of its own': [
    ({ slots: { kept, z, b, next }, map }) =>
      map(
        [rowsOf(kept), rowsOf(z), window(b, [0, 1])],
        [plus(arg(0), plus(arg(1), arg(2)))],
        [rowsOf(next)],
      ),
    ['map to 2', 'product onto biases'],
  ],
  'what another product of the same sum reads': [
    ({ slots: { kept, z, late, next }, map, product }) => {
      product(kept, late);
      map(
        [rowsOf(kept), rowsOf(z), rowsOf(late)],
        [plus(arg(0), plus(arg(1), arg(2)))],
        [rowsOf(next)],
      );
    },
    ['map to 3', 'product onto'],
  ],
};

const left: Readonly<Record<string, readonly [(step: Step) => void, readonly string[]]>> = {
  'made after the product': [
    ({ slots: { kept, z, late, next }, map }) => {
      map([rowsOf(kept)], [tanh(arg(0))], [rowsOf(late)]);
      map([rowsOf(late), rowsOf(z)], [plus(arg(0), arg(1))], [rowsOf(next)]);
    },
    ['map to 2', 'product', 'map to 1', 'map to 1'],
  ],
  'to where columns go backwards': [
    ({ slots: { kept, z, next }, map }) =>
      map([rowsOf(kept), rowsOf(z)], [plus(arg(0), arg(1))], [backwards(next)]),
    ['map to 2', 'product', 'map to 1'],
  ],
  'product read from the last column on': [
    ({ slots: { kept, z, next }, map }) =>
      map([rowsOf(kept), backwards(z)], [plus(arg(0), arg(1))], [rowsOf(next)]),
    ['map to 2', 'product', 'map to 1'],
  ],
  'product read twice': [
    ({ slots: { kept, z, next }, map }) =>
      map([rowsOf(kept), rowsOf(z)], [plus(arg(0), arg(1), tanh(arg(1)))], [rowsOf(next)]),
    ['map to 2', 'product', 'map to 1'],
  ],
  'more than a sum': [
    ({ slots: { kept, z, next }, map }) =>
      map([rowsOf(kept), rowsOf(z)], [tanh(plus(arg(0), arg(1)))], [rowsOf(next)]),
    ['map to 2', 'product', 'map to 1'],
  ],
  'what others read too stays': [
    ({ slots: { kept, z, late, next }, map }) => {
      map([rowsOf(kept), rowsOf(z)], [plus(arg(0), arg(1))], [rowsOf(late)]);
      map([rowsOf(kept), rowsOf(late)], [apply('mul', arg(0), arg(1))], [rowsOf(next)]);
    },
    ['map to 3', 'product onto', 'map to 1'],
  ],
};

describe.each(Object.entries({ ...joined, ...left }))('%s', (_, [ends, parts]) => {
  test('the parts of a step', () => {
    expect(partsOf(programOf(ends))).toEqual(parts);
  });
  onVariants(tight, (agrees) => {
    test('agrees with the reference', () =>
      // Sums of 32 products below 1; what is off in one step grows in the next ones.
      agrees((backend) => runProgram(backend, programOf(ends)), 1e-4));
  });
});
