/** What makes a time loop's inputs strip by strip: where that is so, and that results are the same. */
import {
  add,
  compile,
  leavesOf,
  matmul,
  mean,
  mul,
  scan,
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
  axisIndex,
  type Backend,
  cast,
  type Expr,
  type Instr,
  type Program,
  programBuilder,
  reference,
  type Scan,
  type SlotWindow,
  window,
} from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { openWasm } from '../src/backend.ts';
import { arrange } from '../src/passes/arrange.ts';
import { findJoints } from '../src/together/joint.ts';
import { findStrips } from '../src/together/strips.ts';
import { expectNear, onVariants, programOf, stripsOf } from './forced.ts';
import { host, runProgram } from './harness.ts';

const limits = stripsOf(20);
/** Strips of some steps of more rows. */
const deep = stripsOf(256);

const [time, batch, columns] = [11, 5, 64];
const size = batch * columns;

const ways = [
  'usual',
  'map alone',
  'something between',
  'knows its time step',
  'shown',
  'read by another one',
  'not only read by it',
  'an earlier step is read',
  'what it reads is written',
  'what it reads is written by the loop',
  'what the sum reads is written by the loop',
  'it makes more than is read',
  'its place is that of what it reads',
  'a product reads the parts',
  'a product of another loop reads what lies in its place',
] as const;

type Way = (typeof ways)[number];

/**
 * A map of two inputs, one of which has the batch first, and sums of both for each time step; then a time loop that reads the
 * map from the end, and a product of what the loop writes.
 */
function programFor(way: Way, reverse = true): Program {
  const is = (w: Way): boolean => way === w;
  const inner = programBuilder();
  const [h, x] = [inner.input('h', 'float32', size), inner.input('x', 'float32', size)];
  const value = apply('tanh', apply('add', apply('mul', arg(0), arg(1)), arg(1)));
  inner.loop({
    shape: [size],
    args: [window(h, [1]), window(x, [1])],
    body: [value, value],
    outs: ['h', 'y'].map((label) => window(inner.output(label, 'float32', size), [1])),
  });

  const b = programBuilder();
  const written = is('what it reads is written') || is('what it reads is written by the loop');
  const ofSum = is('what the sum reads is written by the loop');
  const a = b[written ? 'donated' : 'input']('a', 'float32', time * size);
  const target = b.input('target', 'float32', time * size);
  const other = b.input('other', 'float32', time * size);
  const init = b.input('init', 'float32', size);
  // One step more than the loop reads, where it reads from the second on.
  const ahead = is('an earlier step is read') ? size : 0;
  const more = is('it makes more than is read');
  const xs = b[is('shown') ? 'output' : 'scratch'](
    'xs',
    'float32',
    (more ? 2 : 1) * time * size + ahead,
  );
  const scale = b[ofSum ? 'donated' : 'input']('scale', 'float32', size);
  const copy = b.scratch('copy', 'float32', time * size);
  const parts = b.scratch('parts', 'float32', time);
  const stack = b.scratch('stack', 'float32', time * size);
  const finalIn = (): number => {
    if (is('what it reads is written by the loop')) return a;
    return ofSum ? scale : b.output('final', 'float32', size);
  };

  const each = (n: number, from: SlotWindow, to: SlotWindow, value: Expr = arg(0)): void =>
    b.loop({ shape: [n], args: [from], body: [value], outs: [to] });

  const places = is('its place is that of what it reads');
  if (places) each(time * size, window(a, [1]), window(copy, [1]));
  const inTime = window(places ? copy : a, [size, columns, 1]);
  const batchFirst = window(target, [columns, time * columns, 1]);
  const difference = apply('sub', arg(0), arg(1));
  const step = is('knows its time step') ? [cast('float32', axisIndex(0))] : [];
  if (!is('map alone'))
    b.loop({
      shape: [time],
      over: [batch, columns],
      args: [inTime, batchFirst, window(scale, [0, columns, 1])],
      body: [apply('mul', apply('mul', difference, difference), arg(2))],
      outs: [window(parts, [1])],
    });
  b.loop({
    shape: [time, more ? 2 : 1, batch, columns],
    args: [inTime, batchFirst].map((w) => ({ ...w, strides: w.strides.toSpliced(1, 0, 0) })),
    body: [[difference, ...step].reduce((p, q) => apply('mul', p, q))],
    outs: [window(xs, [size, time * size, columns, 1])],
  });
  if (ahead > 0) each(size, window(a, [1]), window(xs, [1], time * size));
  if (is('something between'))
    each(
      time * size,
      window(a, [1]),
      window(b.output('between', 'float32', time * size), [1]),
      apply('tanh', arg(0)),
    );
  if (is('what it reads is written')) each(time * size, window(other, [1]), window(a, [1]));
  if (is('read by another one'))
    each(time * size, window(xs, [1]), window(b.output('seen', 'float32', time * size), [1]));
  b.scan({
    length: time,
    reverse,
    body: inner.program(),
    init: [window(init)],
    xs: [window(xs, [size], ahead)],
    finals: [window(finalIn())],
    ys: [window(stack, [size])],
  });
  if (is('not only read by it'))
    each(size, window(xs, [1], 2 * size), window(b.output('seen', 'float32', size), [1]));
  const reader = is('a product reads the parts')
    ? window(parts, [0, 0, 1, 0])
    : window(other, [1, 0, size, columns]);
  b.contract({
    shape: [columns, columns],
    over: [time, batch],
    args: [reader, window(stack, [0, 1, size, columns])],
    out: window(b.output('product', 'float32', columns * columns), [columns, 1]),
  });
  if (is('a product of another loop reads what lies in its place')) {
    const again = b.scratch('again', 'float32', time * size);
    const above = b.scratch('above', 'float32', time * size);
    each(time * size, window(a, [1]), window(again, [1]), apply('tanh', arg(0)));
    b.scan({
      length: time,
      reverse,
      body: inner.program(),
      init: [window(init)],
      xs: [window(other, [size])],
      finals: [window(b.output('last', 'float32', size))],
      ys: [window(above, [size])],
    });
    b.contract({
      shape: [columns, columns],
      over: [time, batch],
      args: [window(again, [1, 0, size, columns]), window(above, [0, 1, size, columns])],
      out: window(b.output('second', 'float32', columns * columns), [columns, 1]),
    });
  }
  if (!is('map alone'))
    b.loop({
      shape: [],
      over: [time],
      args: [window(parts, [1])],
      body: [arg(0)],
      outs: [window(b.output('total', 'float32', 1), [])],
    });
  return b.program({ arenas: is('its place is that of what it reads') ? 0 : 1 });
}

/** The labels of what makers make, in the order in which they run. */
function madeIn(given: Program, how = limits): readonly string[] {
  const program = arrange(given);
  const strips = findStrips(program, findJoints(program), how);
  return strips.flatMap((s) =>
    s.makers.map((m) => program.slots[m.loop.outs[0]?.slot as number]?.label ?? ''),
  );
}

const made: Partial<Record<Way, readonly string[]>> = {
  usual: ['parts', 'xs'],
  'map alone': ['xs'],
  'something between': ['parts', 'xs'],
  'what the sum reads is written by the loop': ['xs'],
  'a product reads the parts': ['xs'],
  'a product of another loop reads what lies in its place': ['parts', 'xs'],
};

test.each(ways.flatMap((way) => [true, false].map((reverse) => [way, reverse] as const)))(
  '%s (reverse: %s)',
  async (way, reverse) => {
    const program = programFor(way, reverse);
    if (way === 'its place is that of what it reads') {
      // As a plan may have it: at each point the map reads before it writes.
      const [from, to] = ['copy', 'xs'].map((l) => program.slots.findIndex((s) => s.label === l));
      const slots = program.slots.map((s, k) =>
        k === from || k === to ? { ...s, arena: 0, offset: 0 } : s,
      );
      expect(madeIn(program)).toEqual(['parts', 'xs']);
      expect(madeIn({ ...program, slots })).toEqual([]);
    } else expect(madeIn(program)).toEqual(made[way] ?? []);
    const want = await runProgram(reference(), program);
    for (const threads of [1, 2]) {
      const backend = await openWasm({ threads, threadsFrom: 0 }, { strips: limits });
      const got = await runProgram(backend, program);
      backend.dispose();
      // Sums of 55 products, or of 3520 squares, of numbers below 4.
      expectNear(got, want, 2e-3);
    }
  },
);

/** The mean squared error of all outputs against targets that have the batch first, and a step down whose length is the loss. */
async function train(backend: Backend, [steps, rows]: readonly [number, number]) {
  const step = compile(backend, (u: Tensor, x: Tensor, target: Tensor) => {
    const [loss, gradient] = valueAndGrad((v: Tensor) => {
      const cell = (h: Tensor, xt: Tensor): readonly [Tensor, Tensor] => {
        const next = tanh(add(xt, matmul(h, v)));
        return [next, next];
      };
      const [, y] = scan(cell, zeros([rows, 64]), transpose(x, [1, 0, 2]));
      const error = sub(transpose(y, [1, 0, 2]), target);
      return mean(mul(error, error));
    })(u);
    return [loss, sub(u, mul(gradient, loss))];
  });
  const data = [host(1, [64, 64]), host(2, [rows, steps, 64]), host(3, [rows, steps, 64])] as const;
  const args = data as never as Parameters<typeof step>;
  return Promise.all(
    leavesOf(await step(...args)).map(async (t) => (await t.read()).data as Float32Array),
  );
}

test('a long loss is summed by time step, strip by strip, and its parts after the loop', async () => {
  const program = arrange(await programOf((backend) => train(backend, [40, 32])));
  const [, back] = program.code.filter((i): i is Scan => i.kind === 'scan');
  const near = program.code.slice(0, program.code.indexOf(back as Instr)).slice(-2);
  expect(near.map((i) => i.kind === 'loop' && i.shape)).toEqual([[40], [40, 32, 64]]);
  const later = program.code.slice(program.code.indexOf(back as Instr));
  expect(later.some((i) => i.kind === 'loop' && i.over[0] === 40)).toBe(true);
  expect(madeIn(program, deep)).toHaveLength(2);
});

onVariants({ strips: deep }, (agrees) => {
  test.each([
    [40, 32],
    [41, 28],
  ] as const)('a loss of %i steps of %i rows', (...sizes) =>
    // A mean of squares below 2, and gradients of one; sums of 82 thousand terms in parts.
    agrees((backend) => train(backend, sizes), 2e-6),
  );
});
