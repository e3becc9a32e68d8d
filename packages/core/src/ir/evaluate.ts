/** Expressions as a list of steps, each shared part once: what an interpreting backend runs at every point. */
import { castElement, coerce, type DType } from './dtype.ts';
import { type Expr, exprOrder } from './expr.ts';
import { exprType, scalarFunction } from './scalar.ts';

/**
 * Prepares `body` for many points. The function that comes back takes the values of the arguments and the indices of
 * the axes, and gives one value per expression, in an array that the next call overwrites.
 */
export function evaluator(
  body: readonly Expr[],
  types: readonly DType[],
): (args: ArrayLike<number>, index: ArrayLike<number>) => Float64Array {
  const order = exprOrder(body);
  const place = new Map(order.map((x, k) => [x, k]));
  const at = (x: Expr | undefined): number => (x && place.get(x)) ?? 0;
  const memo = new Map<Expr, DType | null>();
  const typeOf = (x: Expr): DType => exprType(x, types, memo) as DType;

  // The values of all steps, with constants in place for good.
  const values = new Float64Array(order.length);
  const loads: { to: number; from: number }[] = [];
  const axes: { to: number; from: number }[] = [];
  const steps: { to: number; a: number; b: number; c: number; f: Step }[] = [];
  order.forEach((x, to) => {
    if (x.op === 'const') values[to] = coerce[x.dtype](x.value);
    else if (x.op === 'arg') loads.push({ to, from: x.index });
    else if (x.op === 'axis') axes.push({ to, from: x.axis });
    else {
      const [a, b, c] = x.args.map(at) as [number, number?, number?];
      steps.push({ to, a, b: b ?? a, c: c ?? a, f: step(x, typeOf(x.args.at(-1) as Expr)) });
    }
  });
  const results = body.map(at);
  const out = new Float64Array(body.length);
  return (args, index) => {
    for (const { to, from } of loads) values[to] = args[from] as number;
    for (const { to, from } of axes) values[to] = index[from] as number;
    for (const { to, a, b, c, f } of steps)
      values[to] = f(values[a] as number, values[b] as number, values[c] as number);
    for (let k = 0; k < out.length; k++) out[k] = values[results[k] as number] as number;
    return out;
  };
}

type Step = (a: number, b: number, c: number) => number;

function step(x: Exclude<Expr, { op: 'arg' | 'const' | 'axis' }>, dtype: DType): Step {
  if (x.op !== 'cast') return scalarFunction(x.op, dtype);
  const { dtype: to } = x;
  return (a) => castElement(a, dtype, to);
}
