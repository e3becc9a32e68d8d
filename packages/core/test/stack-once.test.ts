/** A scan's outputs and what its steps began with are one stack, a step longer. */
import { expect, test } from 'vitest';
import { type Backend, reference } from '../src/backend/index.ts';
import {
  add,
  compile,
  grad,
  less,
  matmul,
  mul,
  scan,
  sum,
  type Tensor,
  tanh,
  valueAndGradAux,
  where,
  zeros,
} from '../src/index.ts';
import type { Program, Scan } from '../src/ir/program.ts';
import { hostKey, uniform } from '../src/random.ts';

const host = (seed: number, ...shape: number[]) => ({
  data: uniform(
    hostKey(seed),
    shape.reduce((a, b) => a * b, 1),
  ).map((u) => u - 0.5),
  shape,
});

interface Case {
  readonly reverse?: boolean;
  /** The caller gives the initial state. */
  readonly given?: boolean;
  /** The outputs go out, too: then they have a place of their own. */
  readonly shown?: boolean;
  /** What a step gives is twice its state. */
  readonly doubled?: boolean;
  /** Bytes that the device binds. */
  readonly bindingBytes?: number;
}

/** Gradients of a recurrent layer's weights, and of its initial state; the programs it took. */
async function gradients(how: Case) {
  const { reverse = false, given = false, shown = false, doubled = false } = how;
  const { bindingBytes = Number.POSITIVE_INFINITY } = how;
  const programs: Program[] = [];
  const inner = reference({ limits: { bindingBytes } });
  const backend = {
    ...inner,
    compile(p: Program) {
      programs.push(p);
      return inner.compile(p);
    },
  } as unknown as Backend;
  const layer = (u: Tensor, h0: Tensor, x: Tensor): Tensor =>
    scan(
      (h: Tensor, v: Tensor) => {
        const next = tanh(add(v, matmul(h, u)));
        return [next, doubled ? mul(next, 2) : next];
      },
      given ? h0 : zeros([3, 4]),
      x,
      { reverse },
    )[1];
  const f = compile(backend, (u: Tensor, h0: Tensor, x: Tensor, weight: Tensor) => {
    const loss = ([v, h]: readonly [Tensor, Tensor]): readonly [Tensor, Tensor | null] => {
      const y = layer(v, h, x);
      return [sum(mul(y, weight)), shown ? y : null];
    };
    const [[, y], gradient] = valueAndGradAux(loss)([u, h0]);
    return [gradient, y];
  });
  const [[du, dh]] = (await f(
    host(1, 4, 4) as never,
    host(2, 3, 4) as never,
    host(3, 5, 3, 4) as never,
    host(4, 5, 3, 4) as never,
  )) as unknown as [[Tensor, Tensor]];
  const read = async (t: Tensor) => [...(await t.read()).data];
  const [program] = programs as [Program];
  return { values: [await read(du), await read(dh)], program };
}

const scansOf = ({ code }: Program): Scan[] => code.filter((i) => i.kind === 'scan');

test.each([
  { reverse: false, given: false },
  { reverse: true, given: false },
  { reverse: false, given: true },
  { reverse: true, given: true },
])('%o: one stack, and the same bits as with two', async (how) => {
  const once = await gradients(how);
  const twice = await gradients({ ...how, shown: true });
  expect(once.values).toEqual(twice.values);
  expect(scansOf(once.program)[0]?.ys).toHaveLength(1);
  expect(scansOf(twice.program)[0]?.ys).toHaveLength(2);
  // Zeros are written twice by who makes them; only what the caller gives is copied.
  const loops = (p: Program): number => p.code.filter((i) => i.kind === 'loop').length;
  expect(loops(once.program) - loops(twice.program)).toBe(how.given ? 1 : 0);
});

test('what is kept for the way back only is a stack of ends, too', async () => {
  const once = await gradients({ doubled: true });
  const twice = await gradients({ doubled: true, shown: true });
  expect(once.values).toEqual(twice.values);
  expect(scansOf(once.program)[0]?.ys).toHaveLength(1);
  // The doubled outputs go out, and are no state.
  expect(scansOf(twice.program)[0]?.ys).toHaveLength(2);
});

test('a stack that would fit but for its rounding stays two', async () => {
  // Five steps of 3 x 3 floats take 180 bytes, 192 as scratch; six take 216, 224 as scratch.
  for (const bindingBytes of [192, 215, 216, 223, 224]) {
    const f = compile(reference({ limits: { bindingBytes } }), (u: Tensor, x: Tensor, w: Tensor) =>
      grad((v: Tensor) => {
        const step = (h: Tensor, y: Tensor): readonly [Tensor, Tensor] => {
          const next = tanh(add(y, matmul(h, v)));
          return [next, next];
        };
        return sum(mul(scan(step, zeros([3, 3]), x)[1], w));
      })(u),
    );
    const du = await f(host(1, 3, 3), host(2, 5, 3, 3), host(3, 5, 3, 3));
    expect((await du.read()).data.every((v) => Number.isFinite(v) && v !== 0)).toBe(true);
  }
});

test('who makes the initial carry, and writes it twice, is split where the device binds no more', async () => {
  const many = 7;
  const slopes = async (limits: object): Promise<number[]> => {
    const f = compile(reference(limits), (u: Tensor, x: Tensor, ps: Tensor[]) => {
      const [[, start], gradient] = valueAndGradAux((v: Tensor): readonly [Tensor, Tensor] => {
        const h0 = ps.reduce((a, p) => add(a, p));
        const step = (h: Tensor, y: Tensor): readonly [Tensor, Tensor] => {
          const next = tanh(add(y, matmul(h, v)));
          return [next, next];
        };
        const [, y] = scan(step, h0, x);
        return [sum(mul(y, y)), h0];
      })(u);
      return [gradient, start];
    });
    const ps = Array.from({ length: many }, (_, k) => host(k + 3, 3, 4));
    const [du] = await f(host(1, 4, 4), host(2, 5, 3, 4), ps);
    return [...((await du?.read())?.data ?? [])];
  };
  expect(await slopes({ limits: { buffers: 8 } })).toEqual(await slopes({}));
});

test('what stays as it is has no stack that nobody writes', async () => {
  const backend = reference();
  const f = compile(backend, (s: Tensor, xs: Tensor) => {
    const step = (c: Tensor, x: Tensor): readonly [Tensor, Tensor] => [
      where(less(x, 0), c, c), // c, as it turns out late
      mul(c, 1),
    ];
    return sum(mul(scan(step, tanh(s), xs)[1], xs), { axes: 1 });
  });
  const xs = [1, -1, 2, 1, 3, 5];
  const ys = await f(
    { data: Float32Array.of(1, 2), shape: [2] } as never,
    { data: Float32Array.from(xs), shape: [3, 2] } as never,
  );
  const [one, two] = [Math.tanh(1), Math.tanh(2)];
  const want = [one - two, 2 * one + two, 3 * one + 5 * two];
  [...(await ys.read()).data].forEach((y, k) => {
    expect(y).toBeCloseTo(want[k] as number, 5);
  });
});

test('two stacks stay two where a longer one would not fit', async () => {
  // Five steps of 3 x 4 floats are 240 bytes, six are 288.
  const [small, large] = [
    await gradients({ bindingBytes: 287 }),
    await gradients({ bindingBytes: 288 }),
  ];
  expect(scansOf(small.program)[0]?.ys).toHaveLength(2);
  expect(scansOf(large.program)[0]?.ys).toHaveLength(1);
  expect(small.values).toEqual(large.values);
});
