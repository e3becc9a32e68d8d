/** The derivative of a scalar expression, as expressions. Knows each op's; knows no tensor. */
import { type DType, isFloat } from '../ir/dtype.ts';
import { apply, arg, cast, constant, type Expr, exprOrder } from '../ir/expr.ts';
import { exprType } from '../ir/scalar.ts';
import { derivatives } from './derivatives.ts';

/**
 * Cotangents of the arguments of `x`, null where no gradient flows. In the result, arguments 0..n-1 are the original
 * ones, n is the value of `x` itself (so that tanh and its like reuse it) and n + 1 its cotangent.
 */
export function differentiate(x: Expr, types: readonly DType[]): (Expr | null)[] {
  const memo = new Map<Expr, DType | null>();
  const typeOf = (e: Expr): DType => exprType(e, types, memo) ?? 'float32';
  const y = arg(types.length);
  const byArg: (Expr | null)[] = types.map(() => null);
  const cotangents = new Map<Expr, Expr>([[x, arg(types.length + 1)]]);
  const plus = (a: Expr | null | undefined, b: Expr): Expr => (a ? apply('add', a, b) : b);
  for (const node of exprOrder([x]).reverse()) {
    const g = cotangents.get(node);
    if (!g || node.op === 'const' || node.op === 'axis') continue;
    if (node.op === 'arg') {
      byArg[node.index] = plus(byArg[node.index], g);
      continue;
    }
    const constantOf = (value: number): Expr => constant(value, typeOf(node));
    const parts =
      node.op === 'cast'
        ? [cast(typeOf(node.args[0]), g)]
        : derivatives[node.op](g, node === x ? y : node, node.args as never, constantOf);
    parts.forEach((part, i) => {
      const to = node.args[i] as Expr;
      if (part && isFloat(typeOf(to))) cotangents.set(to, plus(cotangents.get(to), part));
    });
  }
  return byArg;
}
