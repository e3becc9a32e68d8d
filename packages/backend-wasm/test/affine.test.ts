/** Products of a time loop that are only added up: which sums are formed in registers, and that they are right. */
import {
  add,
  broadcastTo,
  compile,
  concat,
  einsum,
  flip,
  leavesOf,
  matmul,
  mul,
  reshape,
  scan,
  sigmoid,
  slice,
  split,
  sum,
  type Tensor,
  tanh,
  zeros,
} from '@ostinato/core';
import {
  apply,
  arg,
  type Backend,
  type Contract,
  type Loop,
  type Program,
  programBuilder,
  reference,
  type Scan,
  window,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Affine, farPlans } from '../src/affine.ts';
import { FunctionBuilder } from '../src/assembler/function.ts';
import { i32 } from '../src/assembler/instructions.ts';
import { printFunction } from '../src/assembler/print.ts';
import { emitAffine, planAffine } from '../src/contract/affine.ts';
import type { ContractPlan } from '../src/contract/plan.ts';
import * as extras from '../src/extras.ts';
import { wasm } from '../src/index.ts';
import { absorb } from '../src/passes/absorb.ts';
import { cut } from '../src/passes/cut.ts';
import { sink } from '../src/passes/sink.ts';
import { expectNear, machine, onVariants, programOf, tight } from './forced.ts';
import { host, runProgram } from './harness.ts';

interface Weights {
  readonly w: Tensor;
  readonly u: Tensor;
  readonly b: Tensor;
  readonly d: Tensor;
}

/** Of x [batch, inputs] and h [batch, units]; W and U have 4 * units columns. */
type Step = (x: Tensor, h: Tensor, weights: Weights, units: number) => readonly [Tensor, Tensor];

const onRows = (b: Tensor, z: Tensor): Tensor => broadcastTo(b, z.shape);

function gated(z: Tensor, h: Tensor): readonly [Tensor, Tensor] {
  const [i, f, g, o] = split(z, 4) as [Tensor, Tensor, Tensor, Tensor];
  const c = add(mul(sigmoid(f), h), mul(sigmoid(i), tanh(g)));
  const next = mul(sigmoid(o), tanh(c));
  return [next, next];
}

const steps = {
  /** ((x W + b) + h U) + d */
  lstm: (x, h, { w, u, b, d }) => {
    const wx = matmul(x, w);
    const z = add(add(wx, onRows(b, wx)), matmul(h, u));
    return gated(add(z, onRows(d, z)), h);
  },
  /** b + ((h U + d) + x W), and then something that is no bias. */
  otherOrder: (x, h, { w, u, b, d }) => {
    const uh = matmul(h, u);
    const z = add(add(uh, onRows(d, uh)), matmul(x, w));
    return gated(add(add(onRows(b, z), z), concat([h, h, h, h], 1)), h);
  },
  /** Half of the columns multiply what the state gives, so each product keeps its own bias. */
  gru: (x, h, { w, u, b, d }, units) => {
    const [wx, uh] = [matmul(x, w), matmul(h, u)];
    const [zx, zh] = [add(wx, onRows(b, wx)), add(uh, onRows(d, uh))];
    const both = sigmoid(add(slice(zx, 1, 0, 2 * units), slice(zh, 1, 0, 2 * units)));
    const [r, z] = split(both, 2) as [Tensor, Tensor];
    const [n, m] = [slice(zx, 1, 2 * units, units), slice(zh, 1, 2 * units, units)];
    const next = add(mul(z, h), tanh(add(n, mul(r, m))));
    return [next, next];
  },
  /** The same, with the columns of the candidate before and the last ones unread; the state's reads them backwards. */
  candidateFirst: (x, h, { w, u, b, d }, units) => {
    const [wx, uh] = [matmul(x, w), matmul(h, u)];
    const [zx, zh] = [add(wx, onRows(b, wx)), add(uh, onRows(d, uh))];
    const both = sigmoid(add(slice(zx, 1, units, 2 * units), slice(zh, 1, units, 2 * units)));
    const [r, z] = split(both, 2) as [Tensor, Tensor];
    const next = add(
      mul(z, h),
      tanh(add(slice(zx, 1, 0, units), mul(r, flip(slice(zh, 1, 0, units), 1)))),
    );
    return [next, next];
  },
  /** The same bias for both products, and a column of it for each row. */
  tied: (x, h, { w, u, b }, units) => {
    const bias = slice(b, 0, 0, units);
    const half = (m: Tensor): Tensor => slice(m, 1, 0, units);
    const [zx, zh] = [matmul(x, half(w)), matmul(h, half(u))];
    const z = add(add(zx, onRows(bias, zx)), add(zh, onRows(bias, zh)));
    const rows = Math.min(z.shape[0] as number, units);
    const ofRows = reshape(slice(b, 0, 0, rows), [rows, 1]);
    const next = tanh(z.shape[0] === rows ? add(z, broadcastTo(ofRows, z.shape)) : z);
    return [next, next];
  },
  /** One bias that fits both products, at different places. */
  oneBias: (x, h, { w, u, b }, units) => {
    const [zx, uh] = [matmul(x, w), matmul(h, u)];
    const zh = add(uh, onRows(b, uh));
    const part = (z: Tensor, k: number): Tensor => slice(z, 1, k * units, units);
    const r = sigmoid(add(part(zx, 0), part(zh, 1)));
    const next = mul(r, tanh(add(part(zx, 2), part(zh, 2))));
    return [next, next];
  },
  /** Units of two columns each, whose sum the map makes. */
  pieces: (x, h, { w, u }, units) => {
    const rows = x.shape[0] as number;
    const part = (z: Tensor, k: number): Tensor =>
      reshape(slice(z, 1, 2 * k * units, 2 * units), [rows, 2, units]);
    const [zx, zh] = [matmul(x, w), matmul(h, u)];
    const gate = sigmoid(add(part(zx, 0), part(zh, 0)));
    const next = tanh(sum(add(gate, mul(tanh(part(zx, 1)), tanh(part(zh, 1)))), { axes: 1 }));
    return [next, next];
  },
  /** The product goes out, too. */
  shown: (x, h, { w, u, b }, units) => {
    const z = add(matmul(x, w), matmul(h, u));
    const [next] = gated(add(z, onRows(b, z)), h);
    return [next, slice(z, 1, units, units)];
  },
  /** Columns of the bias that are not the product's. */
  shifted: (x, h, { w, u, b }, units) => {
    const z = add(matmul(x, w), matmul(h, u));
    const first = slice(z, 1, 0, units);
    const next = tanh(add(first, onRows(slice(b, 0, units, units), first)));
    return [next, next];
  },
  /** Four products side by side, and the same bias for each. */
  grouped: (x, h, { w, u, b }, units) => {
    const four = (m: Tensor): Tensor => reshape(m, [m.shape[0] as number, 4, units]);
    const z = add(einsum('bi,igu->bgu', x, four(w)), einsum('bi,igu->bgu', h, four(u)));
    const next = sum(tanh(add(z, onRows(slice(b, 0, 0, units), z))), { axes: 1 });
    return [next, next];
  },
  /** The same product twice in one sum, and by itself. */
  twice: (x, h, { w, u, b }, units) => {
    const z = add(matmul(x, w), matmul(h, u));
    const [p, q] = [slice(z, 1, 0, units), slice(z, 1, units, units)];
    const next = tanh(add(add(add(p, q), p), mul(q, onRows(slice(b, 0, 0, units), q))));
    return [next, next];
  },
} as const satisfies Record<string, Step>;
type Name = keyof typeof steps;

interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly inputs: number;
  readonly units: number;
}

async function run(backend: Backend, name: Name, { time, batch, inputs, units }: Sizes) {
  const columns = 4 * units;
  const weights = {
    w: host(1, [inputs, columns]),
    u: host(2, [units, columns]),
    b: host(3, [columns]),
    d: host(4, [columns]),
  };
  const f = compile(backend, (p: Weights, xs: Tensor) =>
    scan((h: Tensor, x: Tensor) => steps[name](x, h, p, units), zeros([batch, units]), xs),
  );
  const args = [weights, host(5, [time, batch, inputs])] as never as Parameters<typeof f>;
  await f(...args);
  const out = leavesOf(await f(...args));
  return Promise.all(out.map(async (t) => (await t.read()).data as Float32Array));
}

onVariants({ sinks: tight.sinks }, (agrees) => {
  test('they give what the reference gives, and two threads the same bits', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...(Object.keys(steps) as Name[])),
        fc.record({
          time: fc.integer({ min: 2, max: 5 }),
          // Those of six and two, on one thread or on each of two, have wide tiles.
          batch: fc.oneof(fc.integer({ min: 1, max: 15 }), fc.constantFrom(8, 14, 16, 32)),
          inputs: fc.integer({ min: 1, max: 40 }),
          units: fc.constantFrom(4, 8, 12, 16, 24, 32),
        }),
        // Sums of up to 64 products below 0.1, in float32, five times over.
        (name, sizes) => agrees((backend) => run(backend, name, sizes), 4e-6),
      ),
      { numRuns: 120 },
    ));
});

/** The body of the time loop, as the backend would have it. */
async function bodyOf(name: Name, sizes: Partial<Sizes> = {}): Promise<Program> {
  const all = { time: 4, batch: 12, inputs: 16, units: 16, ...sizes };
  const program = await programOf((backend) => run(backend, name, all));
  const made = absorb(cut(sink(program, tight.sinks)), machine());
  return (made.code.find((i) => i.kind === 'scan') as Scan).body;
}

const shapeOf = ({ code }: Program): readonly string[] =>
  code.map((i) => {
    if (i.kind === 'loop') return `loop of ${i.args.length}`;
    const { products, biases } = i as Partial<Affine>;
    return biases ? `${1 + (products?.length ?? 0)} products, ${biases.length} biases` : i.kind;
  });

test('products with the same sums are one, with their biases', async () => {
  // What is left are four gates and the state.
  expect(shapeOf(await bodyOf('lstm'))).toEqual(['2 products, 2 biases', 'loop of 5']);
  // Four gates, and the state that is added to each of them.
  expect(shapeOf(await bodyOf('otherOrder'))).toEqual(['2 products, 2 biases', 'loop of 5']);
});

test('columns that are not added to each other are products of their own', async () => {
  // Two gates in one sum, a window of each candidate, and the state. The fourth quarter is nobody's.
  const body = await bodyOf('gru');
  expect(shapeOf(body)).toEqual([
    '1 products, 1 biases',
    '2 products, 2 biases',
    '1 products, 1 biases',
    'loop of 5',
  ]);
  expect(body.code.slice(0, 3).map((i) => (i as Affine).shape)).toEqual([
    [12, 16],
    [12, 32],
    [12, 16],
  ]);
});

test('such columns may come first, and be read backwards', async () => {
  const body = await bodyOf('candidateFirst');
  expect(body.code.slice(0, 3).map((i) => (i as Affine).shape)).toEqual([
    [12, 16],
    [12, 32],
    [12, 16],
  ]);
});

test('products whose columns would not fill panels stay whole', async () => {
  // Three windows of each, and the state.
  expect(shapeOf(await bodyOf('gru', { units: 12 }))).toEqual([
    '1 products, 1 biases',
    '1 products, 1 biases',
    'loop of 7',
  ]);
});

test('what somebody else reads, or other columns, are left', async () => {
  expect(shapeOf(await bodyOf('shifted'))).toEqual(['2 products, 0 biases', 'loop of 2']);
  const grouped = shapeOf(await bodyOf('grouped'));
  expect(grouped.slice(0, 2)).toEqual(['2 products, 0 biases', 'loop of 2']);
  const twice = await bodyOf('twice');
  expect(twice.code.filter((i) => 'biases' in i)).toEqual([]);
  const shown = await bodyOf('shown');
  const loop = shown.code.at(-1) as Loop;
  // Both products stay windows of the loop, or one of them is the sum, which goes out.
  expect(loop.kind).toBe('loop');
});

test('panels that would leave the first cache are not read in turn', async () => {
  expect(shapeOf(await bodyOf('lstm', { inputs: 400, units: 400 }))).toEqual([
    '1 products, 2 biases',
    'contract',
    'loop of 9',
  ]);
});

/** h' = tanh(h W + (h W) W) and y = tanh(h W + b), in a map each. */
function chained(): Program {
  const [rows, units, time] = [6, 16, 3];
  const size = rows * units;
  const b = programBuilder();
  const w = b.input('w', 'float32', units * units);
  const bias = b.input('b', 'float32', units);
  const h = b.input('h', 'float32', size);
  const next = b.output('h', 'float32', size);
  const y = b.output('y', 'float32', size);
  const shape = [rows, units];
  const whole = (slot: number) => window(slot, [units, 1]);
  const product = (from: number): number => {
    const z = b.scratch('z', 'float32', size);
    const args = [window(from, [units, 0, 1]), window(w, [0, 1, units])] as const;
    b.contract({ shape, over: [units], args, out: whole(z) });
    return z;
  };
  const first = product(h);
  const [p, q] = [product(h), product(first)];
  const body = [apply('tanh', apply('add', arg(0), arg(1)))];
  b.loop({ shape, args: [whole(p), whole(q)], body, outs: [whole(next)] });
  b.loop({ shape, args: [whole(first), window(bias, [0, 1])], body, outs: [whole(y)] });
  const step = b.program({ arenas: 1 });

  const o = programBuilder();
  const consts = [o.input('w', 'float32', units * units), o.input('b', 'float32', units)];
  o.scan({
    length: time,
    body: step,
    consts: consts.map((slot) => window(slot, [])),
    init: [window(o.input('h', 'float32', size), [])],
    xs: [],
    finals: [window(o.output('final', 'float32', size), [])],
    ys: [window(o.output('ys', 'float32', time * size), [size])],
  });
  return o.program();
}

test('steps of stacks that leave the second cache are asked for before they are read', () => {
  const [rows, units] = [8, 24];
  const size = rows * units;
  /** How many lines of each row the products of x, h and x again ask for. */
  const asked = (length: number, row = units, step = size, along = 1): number[] => {
    const b = programBuilder();
    const w = b.input('w', 'float32', units * units);
    const h = b.input('h', 'float32', size);
    const x = b.input('x', 'float32', (rows - 1) * row + (units - 1) * along + 1);
    const next = b.output('next', 'float32', size);
    const shape = [rows, units];
    const whole = (slot: number) => window(slot, [units, 1]);
    const products = [window(x, [row, 0, along]), window(h, [units, 0, 1])].map((of) => {
      const z = b.scratch('z', 'float32', size);
      b.contract({ shape, over: [units], args: [of, window(w, [0, 1, units])], out: whole(z) });
      return whole(z);
    });
    const body = [apply('add', arg(0), arg(1))];
    b.loop({ shape, args: products, body, outs: [whole(next)] });
    const o = programBuilder();
    o.scan({
      length,
      body: b.program({ arenas: 1 }),
      consts: [window(o.input('w', 'float32', units * units), [])],
      init: [window(o.input('h', 'float32', size), [])],
      xs: [window(o.input('xs', 'float32', (rows - 1) * row + length * step), [step])],
      finals: [window(o.output('final', 'float32', size), [])],
      ys: [],
    });
    const [given] = o.program().code as [Scan];
    const [ofX, ofH] = given.body.code.map(
      (i): Affine => ({ ...(i as Contract), products: [], biases: [], onto: false }),
    ) as [Affine, Affine];
    const sums = [ofX, ofH, { ...ofX }];
    const scan = { ...given, body: { ...given.body, code: sums } };
    return sums.map((sum) => {
      const wanted = { constants: new Set([w]), rangeAxis: undefined, extras };
      const plans = planAffine([sum], machine().target, wanted) as readonly ContractPlan[];
      const f = new FunctionBuilder('affine');
      const buffers = sum.buffers.map((_, k) => f.param('i32', `b${k}`));
      const far = farPlans(sum, plans, scan);
      const packed = [{ b: i32.const(0), extras }];
      emitAffine(f, plans, buffers, { packed, biases: [], onto: false, far, range: undefined });
      return printFunction(f.finish()).split('(local.set $asked').length - 1;
    });
  };
  // 96 bytes of a row lie in two lines. Steps of 768 bytes side by side, back in time too, a MiB in all:
  expect(asked(1366)).toEqual([2, 0, 0]);
  expect(asked(1366, units, -size)).toEqual([2, 0, 0]);
  expect(asked(1365)).toEqual([0, 0, 0]);
  // The batch first: 8 rows that lie apart are a MiB from the first to the end of the last.
  const apart = (2 ** 18 - units) / 7;
  expect(asked(4, Math.ceil(apart), units)).toEqual([2, 0, 0]);
  expect(asked(4, Math.floor(apart) - 1, units)).toEqual([0, 0, 0]);
  // Words that lie apart.
  expect(asked(4, 2 ** 16, 2 * units, 2)).toEqual([0, 0, 0]);
});

test('a product that a sum reads in its turn gets no bias', async () => {
  const program = chained();
  const made = absorb(program, machine());
  expect(shapeOf((made.code[0] as Scan).body)).toEqual([
    'contract',
    '2 products, 0 biases',
    'loop of 1',
    'loop of 2',
  ]);
  const backend = await wasm({ threads: 1 });
  const want = await runProgram(reference(), program);
  const got = await runProgram(backend, made);
  backend.dispose();
  // Three steps of sums of 32 products, then tanh.
  expectNear(got, want, 1e-5);
});
