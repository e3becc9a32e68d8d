/** Smaller expressions of equal value. NaN and infinities survive: nothing times zero is folded away. */
import { castElement, coerce, type DType } from '../ir/dtype.ts';
import { apply, constant, type Expr, exprNumbering, mapExpr, type ScalarOp } from '../ir/expr.ts';
import { evalScalar, exprType } from '../ir/scalar.ts';

type Const = Extract<Expr, { op: 'const' }>;

const isConst = (x: Expr | undefined, value?: number): x is Const =>
  x?.op === 'const' && (value === undefined || x.value === value);

const sameConst = (a: Expr, b: Expr): boolean =>
  isConst(a) && isConst(b) && Object.is(a.value, b.value) && a.dtype === b.dtype;

/** `types` are those of the arguments, `values` stand for some of them. */
export const simplifyExpr = (
  root: Expr,
  types: readonly DType[],
  values: readonly (Expr | undefined)[] = [],
): Expr => {
  let memo: Map<Expr, DType | null> | undefined; // few expressions need the types of their parts
  const typeOf = (x: Expr): DType | null => {
    memo ??= new Map();
    return exprType(x, types, memo);
  };
  return mapExpr(root, (x) =>
    'args' in x ? step(x, typeOf) : (x.op === 'arg' && values[x.index]) || x,
  );
};

/** The same expressions with equal parts made one, so that each is computed once. */
export function shareEqual(roots: readonly Expr[]): Expr[] {
  const number = exprNumbering();
  const byNumber = new Map<number, Expr>();
  const memo = new Map<Expr, Expr>();
  const share = (x: Expr): Expr => {
    const known = byNumber.get(number(x)) ?? x;
    byNumber.set(number(x), known);
    return known;
  };
  return roots.map((r) => mapExpr(r, share, memo));
}

function step(
  x: Extract<Expr, { args: readonly Expr[] }>,
  typeOf: (x: Expr) => DType | null,
): Expr {
  const a = x.args[0] as Expr;
  const b = x.args[1] as Expr;
  const c = x.args[2] as Expr;
  if (isConst(a) && x.args.every((y) => isConst(y))) {
    const dtype = typeOf(x);
    if (dtype) {
      const value = fold(x.op, x.args, dtype);
      const fromSize = x.args.some((y) => y.fromSize);
      return fromSize ? { op: 'const', dtype, value, fromSize } : constant(value, dtype);
    }
  }
  switch (x.op) {
    case 'cast':
      return typeOf(a) === x.dtype ? a : x;
    // x + 0 loses the sign of a zero and nothing else.
    case 'add':
      return isConst(a, 0) ? b : isConst(b, 0) ? a : x;
    case 'sub':
      return isConst(b, 0) ? a : isConst(a, 0) ? apply('neg', b) : x;
    case 'mul':
      return isConst(a, 1) ? b : isConst(b, 1) ? a : x;
    case 'div':
      return isConst(b, 1) ? a : x;
    case 'neg':
      return a.op === 'neg' ? (a.args[0] as Expr) : x;
    case 'select':
      if (b === c || sameConst(b, c)) return b;
      return isConst(a) ? (a.value ? b : c) : x;
    default:
      return x;
  }
}

function fold(op: ScalarOp | 'cast', args: readonly Const[], dtype: DType): number {
  const from = (args.at(-1) as Const).dtype;
  const values = args.map((c) => coerce[c.dtype](c.value));
  return op === 'cast'
    ? castElement(values[0] as number, from, dtype)
    : evalScalar(op, from, values);
}
