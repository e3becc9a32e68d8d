/** A loop's body as distinct values: equal sub-expressions are one. Knows expressions; knows no vectors and no memory. */

import type { ScalarOp } from '@ostinato/core/backend';
import { type DType, type Expr, exprOrder, type Loop, scalarOps } from '@ostinato/core/backend';

export type Node =
  | { readonly kind: 'arg'; readonly dtype: DType; readonly arg: number }
  | { readonly kind: 'axis'; readonly dtype: 'int32'; readonly axis: number }
  | { readonly kind: 'const'; readonly dtype: DType; readonly value: number }
  | {
      readonly kind: 'op';
      readonly op: ScalarOp | 'cast';
      readonly dtype: DType;
      /** The type of the last input. */
      readonly from: DType;
      readonly inputs: readonly number[];
    };

export interface Graph {
  /** Inputs before what uses them. */
  readonly nodes: readonly Node[];
  /** The value of each out. */
  readonly roots: readonly number[];
  /** How often each value is used, by others and by outs. */
  readonly uses: readonly number[];
}

export function graphOf(loop: Loop): Graph {
  const nodes: Node[] = [];
  const known = new Map<string, number>();
  const numbers = new Map<Expr, number>();
  const add = (key: string, node: Node): number => {
    const number = known.get(key) ?? nodes.push(node) - 1;
    known.set(key, number);
    return number;
  };
  for (const x of exprOrder(loop.body)) numbers.set(x, number(x));
  function number(x: Expr): number {
    switch (x.op) {
      case 'arg': {
        const dtype = loop.args[x.index]?.dtype as DType;
        return add(`$${x.index}`, { kind: 'arg', dtype, arg: x.index });
      }
      case 'axis':
        return add(`@${x.axis}`, { kind: 'axis', dtype: 'int32', axis: x.axis });
      case 'const': {
        const { dtype, value } = x;
        const text = Object.is(value, -0) ? '-0' : value;
        return add(`${text}:${dtype}`, { kind: 'const', dtype, value });
      }
      default: {
        const inputs = x.args.map((a) => numbers.get(a) as number);
        const from = nodes[inputs.at(-1) as number]?.dtype as DType;
        if (x.op === 'cast')
          return add(`${x.dtype}(${inputs})`, {
            kind: 'op',
            op: x.op,
            dtype: x.dtype,
            from,
            inputs,
          });
        const dtype = scalarOps[x.op].result === 'bool' ? 'bool' : from;
        return add(`${x.op}(${inputs})`, { kind: 'op', op: x.op, dtype, from, inputs });
      }
    }
  }
  const roots = loop.body.map((x) => numbers.get(x) as number);
  const uses = nodes.map(() => 0);
  const use = (k: number): void => {
    uses[k] = (uses[k] as number) + 1;
  };
  for (const n of nodes) if (n.kind === 'op') n.inputs.forEach(use);
  roots.forEach(use);
  return { nodes, roots, uses };
}

/** What an op costs next to an addition, roughly: to choose how much to unroll and along which axis to go. */
const costs: { readonly [Op in ScalarOp | 'cast']?: number } = {
  div: 4,
  rem: 60,
  pow: 90,
  exp: 20,
  log: 25,
  sin: 50,
  cos: 50,
  tanh: 16,
  sigmoid: 16,
  erf: 20,
  sqrt: 4,
  sign: 4,
  min: 3,
  max: 3,
};

/** Whether something in it is made of many instructions that wait for one another. */
export const hasFunctions = (graph: Graph): boolean =>
  graph.nodes.some((n) => n.kind === 'op' && (costs[n.op] ?? 0) > 9);

export const costOf = (graph: Graph): number =>
  graph.nodes.reduce((sum, n) => sum + (n.kind === 'op' ? (costs[n.op] ?? 1) : 0), 0);
