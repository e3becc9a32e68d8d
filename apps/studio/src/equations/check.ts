/**
 * What the names in equations mean: which are states, which are learned, and how large everything is. Knows no tensor.
 *
 * A vector has as many numbers as the cell has units, but for the input x; where it cannot be told from the text that
 * two sizes are one, they are different, so that a text that fits, fits every size.
 */
import { functionOf } from './functions.ts';
import { type Expression, isMatrix, type Line, type Place, refuse } from './syntax.ts';

/** Numbers in a row: those of the input, those of the state, a single one; `number`: not even a row. */
export type Size = 'inputs' | 'units' | 'one' | 'number';

export type Rows = Exclude<Size, 'number'>;

export interface Plan {
  /** In the order in which their next values are written. */
  readonly states: readonly { readonly name: string; readonly start: number }[];
  readonly matrices: readonly { readonly name: string; readonly rows: Rows }[];
  /** `units` numbers each. */
  readonly vectors: readonly { readonly name: string; readonly start: number }[];
  readonly lines: readonly Exclude<Line, { readonly kind: 'start' }>[];
  /** Sizes of the values that lines of their own give, in their order. */
  readonly values: ReadonlyMap<string, Size>;
  /** The output: the value y, or else the state that is written last. */
  readonly output: { readonly kind: 'value' | 'next'; readonly name: string };
}

/** @throws EquationError where a name or a size does not fit */
export function check(lines: readonly Line[]): Plan {
  const steps = lines.filter((line) => line.kind !== 'start');
  const scope = new Scope(steps);
  for (const line of steps) scope.add(line);
  const last = steps.findLast((line) => line.kind === 'next');
  if (!last)
    return refuse(
      "No line gives a state, so nothing is remembered from step to step. Write h' = ...: h is the state before the step, h' the one after it.",
      lines[0]?.at ?? { line: 1, column: 1, length: 1 },
    );
  const starts = scope.starts(lines);
  return {
    states: [...scope.states].map((name) => ({ name, start: starts.get(name) ?? 0 })),
    matrices: [...scope.matrices].map(([name, { rows }]) => ({ name, rows })),
    vectors: [...scope.vectors].map(([name, start]) => ({
      name,
      start: starts.get(name) ?? start,
    })),
    lines: steps,
    values: scope.values,
    output: scope.values.has('y')
      ? { kind: 'value', name: 'y' }
      : { kind: 'next', name: last.name },
  };
}

type Step = Plan['lines'][number];

const sizeNames: Readonly<Record<Size, string>> = {
  inputs: 'as many numbers as the input',
  units: 'as many numbers as the cell has units',
  one: 'a single number',
  number: 'a single number',
};

/** The names so far, from the first line to the present one. */
class Scope {
  readonly states: ReadonlySet<string>;
  readonly matrices = new Map<string, { readonly rows: Rows; readonly at: Place }>();
  readonly vectors = new Map<string, number>();
  readonly values = new Map<string, Size>();
  private readonly nexts = new Set<string>();
  private readonly later: Map<string, Place>;

  constructor(steps: readonly Step[]) {
    this.states = new Set(steps.filter((s) => s.kind === 'next').map((s) => s.name));
    this.later = new Map(steps.map((s) => [s.name, s.at]));
  }

  add({ kind, name, expression, at }: Step): void {
    if (name === 'x')
      refuse(
        'x is the input and cannot be computed. Choose another name, or write x on the right.',
        at,
      );
    if (kind === 'next' ? this.nexts.has(name) : this.values.has(name))
      refuse(`${shown(name, kind)} has a value already. Give this line a name of its own.`, at);
    if (kind === 'value' && this.states.has(name))
      refuse(
        `${name} is the state before the step. Write ${name}' for the one after it, or choose another name.`,
        at,
      );
    const size = this.sizeOf(expression, null);
    if (size === 'inputs' && (kind === 'next' || name === 'y'))
      refuse(
        `${shown(name, kind)} gets ${sizeNames.inputs}, but it has ${sizeNames.units}. Put a matrix in front: W x.`,
        at,
      );
    if (kind === 'next') this.nexts.add(name);
    else this.values.set(name, size);
  }

  /** `how`: the operator that the value stands beside, which says where a learned vector begins. */
  private sizeOf(e: Expression, how: string | null): Size {
    switch (e.kind) {
      case 'number':
        return 'number';
      case 'name':
        return e.isNext ? this.nextSize(e) : this.nameSize(e, how);
      case 'minus':
        return this.sizeOf(e.operand, how);
      case 'product':
        return this.productSize(e);
      case 'operator':
        return this.together(
          [this.sizeOf(e.left, e.operator), this.sizeOf(e.right, e.operator)],
          `“${e.operator}”`,
          e.at,
        );
      case 'call': {
        const sizes = e.args.map((arg) => this.sizeOf(arg, null));
        const size = this.together(sizes, e.name, e.at);
        return functionOf(e.name)?.gives === 'one' && size !== 'number' ? 'one' : size;
      }
    }
  }

  private together(sizes: readonly Size[], what: string, at: Place): Size {
    if (sizes.includes('inputs') && sizes.includes('units'))
      refuse(
        `${what} gets ${sizeNames.inputs} and ${sizeNames.units}, and the two may differ. Put a matrix in front of what is of the input's size: W x.`,
        at,
      );
    const order: readonly Size[] = ['inputs', 'units', 'one'];
    return order.find((size) => sizes.includes(size)) ?? 'number';
  }

  private nextSize({ name, at }: Expression & { readonly kind: 'name' }): Size {
    if (this.nexts.has(name)) return 'units';
    return refuse(
      this.states.has(name)
        ? `${name}' is used before the line that gives it. Move that line up, or use ${name}, the state before the step.`
        : `No line gives ${name}'. Write ${name}' = ..., or leave the prime away.`,
      at,
    );
  }

  private nameSize({ name, at }: Expression & { readonly kind: 'name' }, how: string | null): Size {
    if (name === 'x') return 'inputs';
    if (this.states.has(name)) return 'units';
    const value = this.values.get(name);
    if (value !== undefined) return value;
    if (name === 'y' || this.later.has(name))
      return refuse(
        `${name} is used before the line that gives it. Move that line up; for the value of the step before, make it a state: ${name}' = ...`,
        at,
      );
    // Begins where it changes nothing: 1 where it multiplies, 0 elsewhere.
    if (!this.vectors.has(name)) this.vectors.set(name, how === '*' || how === '/' ? 1 : 0);
    return 'units';
  }

  private productSize(e: Expression & { readonly kind: 'product' }): Size {
    const rows = this.sizeOf(e.operand, null);
    if (rows === 'number')
      return refuse(
        `${e.matrix} multiplies a number that never changes. Give it a vector: ${e.matrix} x.`,
        e.at,
      );
    const before = this.matrices.get(e.matrix);
    if (before && before.rows !== rows)
      refuse(
        `${e.matrix} multiplies ${sizeNames[rows]} here, and ${sizeNames[before.rows]} on line ${before.at.line}. Use two matrices.`,
        e.at,
      );
    this.matrices.set(e.matrix, { rows, at: e.at });
    return 'units';
  }

  /** What `start` lines say. */
  starts(lines: readonly Line[]): ReadonlyMap<string, number> {
    const starts = new Map<string, number>();
    for (const line of lines) {
      if (line.kind !== 'start') continue;
      const { name, at, value } = line;
      if (isMatrix(name))
        refuse(`${name} is a matrix and starts with random numbers. Take this line away.`, at);
      if (!this.states.has(name) && !this.vectors.has(name))
        refuse(
          `start ${name}: there is no state and no learned vector of this name. Take the line away, or use ${name} in another one.`,
          at,
        );
      if (starts.has(name)) refuse(`${name} starts twice. Take one of the two lines away.`, at);
      starts.set(name, value);
    }
    return starts;
  }
}

const shown = (name: string, kind: Step['kind']): string => (kind === 'next' ? `${name}'` : name);
