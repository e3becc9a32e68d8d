/** Scalar expressions: the one vocabulary that every backend speaks. Data and its plain rewrites, no rules. */
import type { DType } from './dtype.ts';

export type ScalarOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'rem'
  | 'pow'
  | 'min'
  | 'max'
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'exp'
  | 'log'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'sqrt'
  | 'less'
  | 'lessEqual'
  | 'equal'
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'shl'
  | 'shr'
  | 'select';

export type Expr =
  | { readonly op: 'arg'; readonly index: number }
  /** `fromSize` marks a value that came from a shape: a backend that caches kernels by their text passes it in. */
  | {
      readonly op: 'const';
      readonly dtype: DType;
      readonly value: number;
      readonly fromSize?: boolean;
    }
  /** This point's index (int32) along one of the loop's axes: first those of `shape`, then those of `over`. */
  | { readonly op: 'axis'; readonly axis: number }
  | { readonly op: 'cast'; readonly dtype: DType; readonly args: readonly [Expr] }
  | { readonly op: ScalarOp; readonly args: readonly Expr[] };

export const arg = (index: number): Expr => ({ op: 'arg', index });
export const constant = (value: number, dtype: DType = 'float32'): Expr => ({
  op: 'const',
  dtype,
  value,
});
export const axisIndex = (axis: number): Expr => ({ op: 'axis', axis });
export const cast = (dtype: DType, x: Expr): Expr => ({ op: 'cast', dtype, args: [x] });
export const apply = (op: ScalarOp, ...args: Expr[]): Expr => ({ op, args });

export const argsOf = (x: Expr): readonly Expr[] => ('args' in x ? x.args : []);

/** Sub-expressions before what uses them, each shared one once. */
export function exprOrder(roots: readonly Expr[]): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  const visit = (x: Expr): void => {
    if (seen.has(x)) return;
    seen.add(x);
    argsOf(x).forEach(visit);
    order.push(x);
  };
  roots.forEach(visit);
  return order;
}

/** The list itself where nothing in it changes: most rewriting leaves most lists as they are. */
export function mapSame<T>(list: readonly T[], change: (x: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const x = list[i] as T;
    const y = change(x);
    if (y !== x) {
      changed ??= list.slice();
      changed[i] = y;
    }
  }
  return changed ?? list;
}

/**
 * Rebuilds an expression: `rule` gets each part after its own parts, and once; leaves, which are cheaper to make than to
 * remember, wherever they stand. Sharing is kept through `memo`.
 */
export function mapExpr(root: Expr, rule: (x: Expr) => Expr, memo?: Map<Expr, Expr>): Expr {
  let seen = memo;
  const visit = (x: Expr): Expr => {
    if (!('args' in x)) return rule(x);
    const known = seen?.get(x);
    if (known) return known;
    const args = mapSame(x.args, visit);
    const out = rule(args === x.args ? x : ({ ...x, args } as Expr));
    // Nothing asks for the root again, and many have leaves alone.
    if (x !== root || memo) {
      seen ??= new Map();
      seen.set(x, out);
    }
    return out;
  };
  return visit(root);
}

/** Rebuilds an expression with other leaves (`arg`, `axis`, `const`). */
export const mapLeaves = (x: Expr, leaf: (x: Expr) => Expr, memo?: Map<Expr, Expr>): Expr =>
  mapExpr(x, (n) => ('args' in n ? n : leaf(n)), memo);

/** Replaces `arg(i)` by `args[i]`. */
export const substitute = (x: Expr, args: readonly Expr[], memo?: Map<Expr, Expr>): Expr =>
  mapLeaves(x, (l) => (l.op === 'arg' ? (args[l.index] as Expr) : l), memo);

/** Numbers expressions so that equal ones get equal numbers. Linear in the size of the shared structure. */
export function exprNumbering(): (x: Expr) => number {
  const numbers = new Map<Expr, number>();
  const byText = new Map<string, number>();
  const textOf = (x: Expr): string => {
    if (x.op === 'arg') return `$${x.index}`;
    if (x.op === 'axis') return `@${x.axis}`;
    if (x.op === 'const')
      return `${Object.is(x.value, -0) ? '-0' : x.value}:${x.dtype}${x.fromSize ? 's' : ''}`;
    const name = x.op === 'cast' ? `cast<${x.dtype}>` : x.op;
    return `${name}(${x.args.map(numberOf)})`;
  };
  const numberOf = (x: Expr): number => {
    let number = numbers.get(x);
    if (number === undefined) {
      const text = textOf(x);
      number = byText.get(text) ?? byText.size;
      byText.set(text, number);
      numbers.set(x, number);
    }
    return number;
  };
  return numberOf;
}
