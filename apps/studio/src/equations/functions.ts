/** The functions that equations may call: one row each. */
import {
  abs,
  add,
  broadcastTo,
  cos,
  div,
  erf,
  exp,
  log,
  maximum,
  mean,
  minimum,
  relu,
  scalar,
  sigmoid,
  sign,
  sin,
  softmax,
  softplus,
  sqrt,
  sub,
  sum,
  type Tensor,
  tanh,
  variance,
} from '@ostinato/core';

export type Value = Tensor | number;

interface Fn {
  readonly parameters: 1 | 2;
  /** `one`: the numbers of a row become a single one. */
  readonly gives: 'same' | 'one';
  /** Tensors are [batch, n]. */
  apply(a: Value, b: Value): Tensor;
  /** The same in a program that has what core exports, for values that are tensors. */
  code(a: string, b: string): string;
  /** Whether it counts the numbers of a row together, so that a number that is no row needs a word of its own. */
  readonly ofRows?: true;
}

const each = (name: string, apply: (a: Value) => Tensor): Fn => ({
  parameters: 1,
  gives: 'same',
  apply,
  code: (a) => `${name}(${a})`,
});

const tensor = (x: Value): Tensor => (typeof x === 'number' ? scalar(x) : x);
const keep = { axes: -1, keepDims: true } as const;
/** A number stands for itself wherever numbers of a row are counted together. */
const isRow = (x: Value): x is Tensor => typeof x !== 'number' && x.rank > 0;

export const functions = {
  tanh: each('tanh', tanh),
  sigmoid: each('sigmoid', sigmoid),
  relu: {
    parameters: 1,
    gives: 'same',
    apply: (a) => relu(tensor(a)),
    code: (a) => `relu(${a})`,
  },
  softplus: {
    parameters: 1,
    gives: 'same',
    apply: (a) => softplus(tensor(a)),
    code: (a) => `softplus(${a})`,
  },
  exp: each('exp', exp),
  log: each('log', log),
  sqrt: each('sqrt', sqrt),
  abs: each('abs', abs),
  sign: each('sign', sign),
  sin: each('sin', sin),
  cos: each('cos', cos),
  erf: each('erf', erf),
  min: {
    parameters: 2,
    gives: 'same',
    apply: (a, b) => minimum(a, b),
    code: (a, b) => `minimum(${a}, ${b})`,
  },
  max: {
    parameters: 2,
    gives: 'same',
    apply: (a, b) => maximum(a, b),
    code: (a, b) => `maximum(${a}, ${b})`,
  },
  softmax: {
    parameters: 1,
    ofRows: true,
    gives: 'same',
    apply: (a) => (isRow(a) ? softmax(a) : scalar(1)),
    code: (a) => `softmax(${a})`,
  },
  /** The numbers of each row with mean 0 and variance 1 (Ba et al. 2016); gain and bias are the visitor's to write. */
  norm: {
    parameters: 1,
    ofRows: true,
    gives: 'same',
    apply(a) {
      if (!isRow(a)) return scalar(0);
      const wide = (t: Tensor): Tensor => broadcastTo(t, a.shape);
      const spread = sqrt(add(variance(a, keep), 1e-5));
      return div(sub(a, wide(mean(a, keep))), wide(spread));
    },
    code: (a) => `norm(${a})`,
  },
  mean: {
    parameters: 1,
    ofRows: true,
    gives: 'one',
    apply: (a) => (isRow(a) ? mean(a, keep) : tensor(a)),
    code: (a) => `mean(${a}, { axes: -1, keepDims: true })`,
  },
  sum: {
    parameters: 1,
    ofRows: true,
    gives: 'one',
    apply: (a) => (isRow(a) ? sum(a, keep) : tensor(a)),
    code: (a) => `sum(${a}, { axes: -1, keepDims: true })`,
  },
} satisfies Record<string, Fn>;

export type FunctionName = keyof typeof functions;

export const functionNames = Object.keys(functions) as readonly FunctionName[];

export const functionOf = (name: string): Fn | undefined =>
  Object.hasOwn(functions, name) ? functions[name as FunctionName] : undefined;
