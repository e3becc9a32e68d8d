/**
 * Cells with the tensor API: random steps, scanned, masked, checkpointed and differentiated, from trace to result, on a
 * backend and on the reference. What users do; the other groups say which part is to blame.
 */
import {
  add,
  broadcastTo,
  compile,
  dispose,
  flatten,
  type HostInput,
  matmul,
  mean,
  mul,
  type ScanOptions,
  scan,
  sigmoid,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
} from '@ostinato/core';
import { type Backend, reference } from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { type Random, random } from '../random.ts';
import { near, tolerances } from '../tolerance.ts';

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly units: number;
}

interface Parameters {
  readonly w: Tensor;
  readonly u: Tensor;
  readonly v: Tensor;
  readonly b: Tensor;
}

interface State {
  readonly h: Tensor;
  readonly c: Tensor;
}

type Step = (p: Parameters, s: State, x: Tensor) => readonly [State, Tensor];

/** Zero mean and unit variance in each row. */
function normalized(z: Tensor): Tensor {
  const d = sub(z, mean(z, { axes: -1, keepDims: true }));
  return mul(d, sqrt(add(mean(square(d), { axes: -1, keepDims: true }), 0.1)));
}

/** Smooth maths only: a comparison of computed floats may turn out differently on two devices, and both be right. */
function randomStep(r: Random, { units }: Sizes): Step {
  const plan = Array.from({ length: r.whole(4, 8) }, () => [
    r.whole(0, 7),
    r.whole(0, 96),
    r.whole(0, 88),
  ]);
  const final = [r.whole(0, 96), r.whole(0, 88), r.whole(0, 82)];
  // Part of a state may stay as it is: what steps begin with is then what they end with.
  const stays = r.whole(0, 2) === 0;
  return (p, s, x) => {
    const z = add(matmul(x, p.w), broadcastTo(p.b, [x.shape[0] as number, 3 * units]));
    const pool = [0, 1, 2].map((k) => slice(z, 1, k * units, units));
    pool.push(s.h, s.c, matmul(s.h, p.u));
    for (const [kind = 0, i = 0, j = 0] of plan) {
      const a = pool[i % pool.length] as Tensor;
      const b = pool[j % pool.length] as Tensor;
      if (kind === 0) pool.push(add(a, mul(b, 0.5)));
      else if (kind === 1) pool.push(mul(sigmoid(a), b));
      else if (kind === 2) pool.push(tanh(a));
      else if (kind === 3) pool.push(matmul(tanh(a), p.v));
      else if (kind === 4) pool.push(normalized(a));
      else if (kind === 5) pool.push(mul(tanh(a), sub(1, sigmoid(b))));
      else if (kind === 6) pool.push(mul(a, sum(tanh(b), { axes: 1, keepDims: true })));
      else pool.push(sub(a, tanh(b)));
    }
    const pick = (k: number): Tensor =>
      pool[pool.length - 1 - ((final[k] as number) % 4)] as Tensor;
    const c = stays ? s.c : tanh(add(mul(s.c, 0.5), pick(0)));
    const h = mul(sigmoid(pick(1)), stays ? c : tanh(c));
    return [{ h, c }, mul(h, sigmoid(pick(2)))];
  };
}

interface Given {
  readonly p: { readonly [K in keyof Parameters]: HostInput };
  readonly x: HostInput;
  readonly h: HostInput;
  readonly c: HostInput;
}

function randomInputs(r: Random, { steps, batch, inputs, units }: Sizes): Given {
  const array = (shape: readonly number[], scale: number): HostInput => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { data: Float32Array.from({ length: size }, () => r.float(-scale, scale)), shape };
  };
  return {
    p: {
      w: array([inputs, 3 * units], 0.6),
      u: array([units, units], 0.6),
      v: array([units, units], 0.6),
      b: array([3 * units], 0.5),
    },
    x: array([steps, batch, inputs], 1),
    h: array([batch, units], 0.5),
    c: array([batch, units], 0.5),
  };
}

/** Loss, gradients of everything, and all outputs. */
async function evaluate(
  backend: Backend,
  step: Step,
  given: Given,
  options: ScanOptions,
): Promise<{ paths: readonly string[]; values: Float32Array[] }> {
  const run = (p: Parameters, s: State, x: Tensor) =>
    scan((state: State, xt: Tensor) => step(p, state, xt), s, x, options);
  const both = compile(backend, (args: { p: Parameters; s: State; x: Tensor }) => {
    const loss = (a: typeof args): Tensor => {
      const [last, ys] = run(a.p, a.s, a.x);
      return add(sum(square(ys)), add(sum(last.h), sum(mul(last.c, 0.3))));
    };
    return { gradient: valueAndGrad(loss)(args), forward: run(args.p, args.s, args.x) };
  });
  const out = await both({ p: given.p, s: { h: given.h, c: given.c }, x: given.x });
  const { leaves, shape } = flatten(out);
  const values = await Promise.all(leaves.map(async (t) => (await t.read()).data as Float32Array));
  dispose(out);
  both.dispose();
  return { paths: shape.paths, values };
}

async function compare(backend: Backend, seed: string, sizes: Sizes, kind: number): Promise<void> {
  const r = random(seed);
  const step = randomStep(r, sizes);
  const given = randomInputs(r, sizes);
  const lengths = Int32Array.from({ length: sizes.batch }, (_, i) =>
    i === 0 ? sizes.steps : r.whole(0, sizes.steps),
  );
  const options: ScanOptions[] = [
    {},
    { reverse: true },
    { lengths: tensor({ data: lengths, shape: [sizes.batch] }) },
    { checkpoint: r.whole(1, sizes.steps) },
  ];
  const how = options[kind % options.length] as ScanOptions;
  const want = await evaluate(reference() as Backend, step, given, how);
  const got = await evaluate(backend, step, given, how);
  want.values.forEach((expected, k) => {
    const scale = expected.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    // Sums over steps and rows cancel: errors are as large as the largest value makes them.
    const { absolute, relative } = tolerances.float32;
    const tolerance = { absolute: absolute + relative * scale, relative };
    expected.forEach((x, i) => {
      const y = got.values[k]?.[i] as number;
      if (!near(y, x, tolerance))
        throw new Error(`${seed}: ${want.paths[k]}[${i}] is ${y}, the reference gives ${x}`);
    });
  });
}

export function cellCases({ size }: CaseOptions): ConformanceCase[] {
  const kinds = ['forward', 'reverse', 'lengths', 'checkpoint'];
  const count = size === 'full' ? 6 : 2;
  return kinds.map((name, kind) =>
    withBackend(`cells: random cells and their gradients, ${name}`, async (backend) => {
      for (let k = 0; k < count; k++) {
        const r = random(`${name} sizes ${k}`);
        const sizes = {
          steps: r.whole(1, 7),
          batch: r.whole(1, 5),
          inputs: r.whole(1, 5),
          units: r.whole(1, 9),
        };
        await compare(backend, `${name} ${k}`, sizes, kind);
      }
      // Enough units and rows for whole vectors and tiles.
      await compare(backend, `${name} wide`, { steps: 3, batch: 9, inputs: 8, units: 20 }, kind);
    }),
  );
}
