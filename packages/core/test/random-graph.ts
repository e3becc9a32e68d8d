/** Random graphs of every kind of node, for properties that must hold of all of them. */
import fc from 'fast-check';
import { param, type Tensor } from '../src/graph/tensor.ts';
import { einsum } from '../src/ops/contract.ts';
import * as e from '../src/ops/elementwise.ts';
import { reduce } from '../src/ops/reduce.ts';
import { scan } from '../src/ops/scan.ts';
import { gather, scatterAdd } from '../src/ops/table.ts';
import * as v from '../src/ops/views.ts';
import { bits, hostKey } from '../src/random.ts';

/** A source of decisions: each call takes the next number below `n`. */
export type Choose = (n: number) => number;

/** Uniform decisions from a seed: fast-check's own arrays are mostly small numbers, and small numbers make small graphs. */
export const choices: fc.Arbitrary<readonly number[]> = fc
  .nat(1 << 30)
  .map((seed) => [...bits(hostKey(seed), 80)]);

export function chooser(numbers: readonly number[]): Choose {
  let at = 0;
  return (n) => (numbers[at++ % numbers.length] as number) % n;
}

const oneOf = <T>(choose: Choose, list: readonly T[]): T => list[choose(list.length)] as T;

/** One more node on top of the pool. All floats are float64, values stay tame. */
function grow(choose: Choose, pool: readonly Tensor[], depth: number): Tensor {
  const x = oneOf(choose, pool);
  const same = pool.filter((t) => `${t.shape}` === `${x.shape}`);
  const y = oneOf(choose, same);
  const axis = x.rank > 0 ? choose(x.rank) : 0;
  switch (choose(x.rank > 0 ? 17 : 5)) {
    case 0:
      return e.add(x, y);
    case 1:
      return e.mul(e.tanh(x), y);
    case 2:
      return e.sigmoid(x);
    case 3:
      return e.where(e.less(x, y), x, e.mul(y, 0.5));
    case 4:
      return v.broadcastTo(x, [1 + choose(3), ...x.shape]);
    case 5:
      return v.transpose(x);
    case 6:
      return v.reshape(x, [x.size]);
    case 7:
      return reduce('sum', x, [axis]);
    case 8:
      return reduce(oneOf(choose, ['max', 'min'] as const), x, [axis]);
    case 9: {
      const n = x.shape[axis] as number;
      const start = choose(n);
      return v.slice(x, axis, start, 1 + choose(n - start));
    }
    case 10:
      return v.flip(x, axis);
    case 11:
      return v.concat([x, y, e.mul(x, 2)], axis);
    case 12: {
      const rows = x.shape[0] as number;
      const ids = e.sub(e.iota([3]), 1 - choose(rows));
      return gather(x, ids);
    }
    case 13: {
      const ids = e.cast(
        e.floor(e.mul(e.iota([x.shape[0] as number], 0, 'float64'), 0.7)),
        'int32',
      );
      return scatterAdd(x, ids, 2 + choose(2));
    }
    case 14: {
      const m = v.reshape(x, [x.shape[0] as number, -1]);
      return einsum('ij,kj->ik', m, e.tanh(m));
    }
    case 15:
      return e.add(x, e.cast(e.iota(x.shape, axis), 'float64'));
    default:
      return depth > 0 ? growScan(choose, x, depth) : e.neg(x);
  }
}

function growScan(choose: Choose, x: Tensor, depth: number): Tensor {
  const inner = x.shape.slice(1);
  const init = e.full(inner, 0.1, 'float64');
  const ids = x.shape[0] as number;
  const [last, ys] = scan(
    (carry: { h: Tensor; k: Tensor }, xt: Tensor) => {
      let pool = [carry.h, xt, e.mul(xt, e.cast(carry.k, 'float64'))];
      for (let i = choose(4); i > 0; i--) {
        const t = grow(choose, pool, depth - 1);
        if (t.size <= 64) pool = [...pool, t];
      }
      const fits = pool.filter((t) => `${t.shape}` === `${inner}`);
      const h = e.tanh(e.add(oneOf(choose, fits), e.mul(carry.h, 0.5)));
      return [{ h, k: e.add(carry.k, 1) }, pool.at(-1) as Tensor];
    },
    { h: init, k: e.scalar(0, 'int32') },
    x,
    {
      reverse: choose(2) === 1,
      ...(choose(3) === 0 ? { checkpoint: 1 + choose(ids) } : {}),
    },
  );
  return choose(2) === 0 ? last.h : ys;
}

/** Parameters and a few results that depend on them. */
export function randomGraph(
  numbers: readonly number[],
  size = 8,
): { params: Tensor[]; results: Tensor[] } {
  const choose = chooser(numbers);
  const shapes = [[2, 3], [3], [4, 2, 3], [2, 3]];
  const params = shapes.map((s, i) => param(s, 'float64', `p${i}`));
  let pool: Tensor[] = [...params];
  for (let i = 0; i < size; i++) {
    const t = grow(choose, pool, 2);
    if (t.size <= 200) pool = [...pool, t];
  }
  return { params, results: pool.slice(-3) };
}
