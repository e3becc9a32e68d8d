/** Checked equations as a cell of `@ostinato/cells`: what a visitor typed trains as `lstm` does. Knows no text. */
import { type Cell, glorotUniform, orthogonal } from '@ostinato/cells';
import {
  add,
  broadcastTo,
  div,
  full,
  type Key,
  keys,
  matmul,
  mul,
  neg,
  pow,
  sub,
  type Tensor,
} from '@ostinato/core';
import type { Plan, Rows } from './check.ts';
import { functionOf, type Value } from './functions.ts';
import type { Expression, Operator } from './syntax.ts';

/** By their names. */
export interface EquationParams {
  readonly matrices: Readonly<Record<string, Tensor>>;
  readonly vectors: Readonly<Record<string, Tensor>>;
}

/** By their names, [batch, units] each. */
export type EquationState = Readonly<Record<string, Tensor>>;

const operators = { '+': add, '-': sub, '*': mul, '/': div, '^': pow } satisfies Record<
  Operator,
  (a: Value, b: Value) => Tensor
>;

export function equationCell(
  plan: Plan,
  { inputs, units }: { readonly inputs: number; readonly units: number },
): Cell<EquationParams, EquationState> {
  const rowsOf = { inputs, units, one: 1 };
  const { kind: outputKind, name: outputName } = plan.output;
  return {
    label: 'own',
    init(key) {
      const own = keys(key, Math.max(1, plan.matrices.length));
      const matrix = (rows: Rows, k: Key): Tensor =>
        rows === 'units' ? orthogonal(k, [units, units]) : glorotUniform(k, [rowsOf[rows], units]);
      return {
        matrices: Object.fromEntries(
          plan.matrices.map(({ name, rows }, i) => [name, matrix(rows, own[i] as Key)]),
        ),
        vectors: Object.fromEntries(
          plan.vectors.map(({ name, start }) => [name, full([units], start)]),
        ),
      };
    },
    start: (_, batch) =>
      Object.fromEntries(plan.states.map(({ name, start }) => [name, full([batch, units], start)])),
    gates(params, state, x) {
      const { values } = evaluate(plan, params, { state, x, units });
      values.delete('y'); // the output
      return Object.fromEntries(
        [...values].flatMap(([name, value]) => (isRow(value) ? [[name, value]] : [])),
      );
    },
    step(params, state, x) {
      const { values, nexts } = evaluate(plan, params, { state, x, units });
      const output = outputKind === 'next' ? nexts.get(outputName) : values.get(outputName);
      return [Object.fromEntries(nexts), rowsOfUnits(output as Value, x, units)];
    },
  };
}

const isRow = (value: Value): value is Tensor => typeof value !== 'number' && value.rank > 0;

interface Given {
  readonly state: EquationState;
  readonly x: Tensor;
  readonly units: number;
}

interface Evaluated {
  readonly values: Map<string, Value>;
  readonly nexts: Map<string, Tensor>;
}

/** All lines, in their order. */
function evaluate(plan: Plan, params: EquationParams, { state, x, units }: Given): Evaluated {
  // A record has names that nobody gave it: `constructor` may be a learned vector.
  const states = new Map(Object.entries(state));
  const values = new Map<string, Value>();
  const nexts = new Map<string, Tensor>();

  const named = (name: string, isNext: boolean): Value => {
    const own = isNext ? nexts.get(name) : (values.get(name) ?? states.get(name));
    if (own !== undefined) return own;
    return name === 'x' ? x : rowsOfUnits(params.vectors[name] as Tensor, x, units);
  };
  const evaluated = (e: Expression): Value => {
    switch (e.kind) {
      case 'number':
        return e.value;
      case 'name':
        return named(e.name, e.isNext);
      case 'minus':
        return neg(evaluated(e.operand));
      case 'product':
        return matmul(evaluated(e.operand) as Tensor, params.matrices[e.matrix] as Tensor);
      case 'operator':
        return operators[e.operator](...together(evaluated(e.left), evaluated(e.right)));
      case 'call': {
        const [a = 0, b = 0] = e.args.map(evaluated);
        return functionOf(e.name)?.apply(...together(a, b)) as Tensor;
      }
    }
  };

  for (const { kind, name, expression } of plan.lines) {
    const value = evaluated(expression);
    if (kind === 'value') values.set(name, value);
    else nexts.set(name, rowsOfUnits(value, x, units));
  }
  return { values, nexts };
}

/** A single number per row, [batch, 1], repeated to the size of the other one. */
function together(a: Value, b: Value): readonly [Value, Value] {
  if (!isRow(a) || !isRow(b)) return [a, b];
  return a.size < b.size ? [broadcastTo(a, b.shape), b] : [a, broadcastTo(b, a.shape)];
}

/** Whatever it is, as [batch, units]. */
function rowsOfUnits(value: Value, x: Tensor, units: number): Tensor {
  const shape = [x.shape[0] as number, units];
  return typeof value === 'number' ? full(shape, value) : broadcastTo(value, shape);
}
