/** Scalar expressions as WGSL: one row per op and element type. Knows no memory: leaves come in as text. */
import {
  type DType,
  type Expr,
  exprOrder,
  exprType,
  fail,
  type ScalarOp,
} from '@ostinato/core/backend';
import type { KernelWriter } from './writer.ts';

/** WGSL's name of an element type; bools are `bool` in expressions and words in memory. */
export const typeNames = { float32: 'f32', int32: 'i32', uint32: 'u32', bool: 'bool' } as const;

/** Element types that a GPU has. */
export type Stored = keyof typeof typeNames;

export interface Leaves {
  arg(index: number): string;
  axis(axis: number): string;
  readonly types: readonly DType[];
}

/** Operations that one line nests: compilers take some hundred parentheses at most, and readers fewer. */
const DEEPEST = 16;

/** Emits the values of `roots`, each shared part once, and gives their names. */
export function emitExpressions(w: KernelWriter, roots: readonly Expr[], leaves: Leaves): string[] {
  const order = exprOrder(roots);
  const uses = new Map<Expr, number>();
  const use = (x: Expr): void => {
    uses.set(x, (uses.get(x) ?? 0) + 1);
  };
  for (const x of order) if ('args' in x) x.args.forEach(use);
  roots.forEach(use);
  const types = new Map<Expr, DType | null>();
  const typeOf = (x: Expr): DType => exprType(x, leaves.types, types) as DType;
  const texts = new Map<Expr, string>();
  /** Operations in the text of a value, one inside the other. */
  const depths = new Map<Expr, number>();
  const text = (x: Expr): string => texts.get(x) as string;
  const operand = ({ op, args }: Operation, k: number): string => {
    const a = args[k] as Expr;
    return folds(op, args, k) ? w.floatParam(Math.fround((a as Constant).value)) : text(a);
  };
  for (const x of order) {
    if (!(typeOf(x) in typeNames))
      fail('unsupported-dtype', `webgpu: a value is ${typeOf(x)}, which GPUs do not have here.`);
    // An expression of literals is evaluated by the compiler, which takes overflow for a fault of the text. So is the index
    // of an axis of size 1.
    if ('args' in x && x.args.every((a) => a.op === 'const' || a.op === 'axis')) {
      const first = x.args[0] as Expr;
      texts.set(first, w.let('c', text(first)));
    }
    let value: string;
    if (x.op === 'arg') value = leaves.arg(x.index);
    else if (x.op === 'axis') value = leaves.axis(x.axis);
    else if (x.op === 'const') value = literal(w, x.value, x.dtype, x.fromSize === true);
    else if (x.op === 'cast') value = castTo(w, x.dtype, typeOf(x.args[0]), text(x.args[0]));
    else
      value = render(
        w,
        x.op,
        typeOf(x.args.at(-1) as Expr),
        x.args.map((_, k) => operand(x, k)),
      );
    // Every load and everything that is used twice has a name; the rest is written in place.
    const inner = 'args' in x ? x.args.map((a) => depths.get(a) as number) : [];
    const depth = inner.length > 0 ? 1 + Math.max(...inner) : 0;
    const named = x.op === 'arg' || depth === DEEPEST || ('args' in x && (uses.get(x) ?? 0) > 1);
    texts.set(x, named ? w.let('v', value) : value);
    depths.set(x, named ? 0 : depth);
  }
  return roots.map(text);
}

type Operation = Extract<Expr, { args: readonly Expr[] }>;
type Constant = Extract<Expr, { op: 'const' }>;

const families: { readonly [op: string]: string } = { add: '+', sub: '+', mul: '*', div: '*' };

/**
 * Whether a compiler that knew this operand would compute something else: it takes zero times anything for zero, and makes
 * one constant of two that follow one another. Nothing it cannot know is folded.
 */
function folds(op: Operation['op'], args: readonly Expr[], k: number): boolean {
  const [a, other] = [args[k], args[1 - k]];
  const family = families[op];
  if (!family || a?.op !== 'const' || a.dtype !== 'float32' || !other) return false;
  if (family === '*' && a.value === 0) return true;
  return families[other.op] === family && (other as Operation).args.some((x) => x.op === 'const');
}

function literal(w: KernelWriter, value: number, dtype: DType, fromSize: boolean): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  if (dtype === 'float32') {
    const x = Math.fround(value);
    // There is no literal for infinities and NaN; that of -0 and of subnormals is not worth trusting.
    if (fromSize || !Number.isFinite(x) || Object.is(x, -0) || (x !== 0 && Math.abs(x) < 2 ** -126))
      return w.floatParam(x);
    const digits = String(x);
    return `${x < 0 ? '(' : ''}${/[.e]/.test(digits) ? digits : `${digits}.0`}f${x < 0 ? ')' : ''}`;
  }
  const word = value >>> 0;
  const unsigned = fromSize ? w.param(word) : `${word}u`;
  return dtype === 'int32' ? `bitcast<i32>(${unsigned})` : unsigned;
}

type Render = (w: KernelWriter, args: readonly string[]) => string;

const infix =
  (sign: string): Render =>
  (_, [a, b]) =>
    `(${a} ${sign} ${b})`;
const prefix =
  (sign: string): Render =>
  (_, [a]) =>
    `(${sign}${a})`;
const builtin =
  (name: string): Render =>
  (_, args) =>
    `${name}(${args.join(', ')})`;
/** One of our own functions: `name` in the library, `as` in WGSL where the plain name is taken. */
const own =
  (name: string, as: string = name): Render =>
  (w, args) => {
    w.call(name);
    return `${as}(${args.join(', ')})`;
  };

const select: Render = (_, [c, a, b]) => `select(${b}, ${a}, ${c})`;
const shift =
  (sign: string): Render =>
  (_, [a, b]) =>
    `(${a} ${sign} (u32(${b}) & 31u))`;
/** A whole number divided by zero is 0, as on the other backends. */
const whole =
  (sign: '/' | '%', zero: string, one: string): Render =>
  (w, [a, b]) => {
    const d = w.let('d', b as string); // thrice in the text: divisors in divisors would triple it each time
    return `select(${a} ${sign} select(${d}, ${one}, ${d} == ${zero}), ${zero}, ${d} == ${zero})`;
  };

type Row = { readonly [Op in ScalarOp]?: Render };

const numbers: Row = {
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  less: infix('<'),
  lessEqual: infix('<='),
  equal: infix('=='),
  min: builtin('min'),
  max: builtin('max'),
  select,
};

const integers: Row = {
  ...numbers,
  and: infix('&'),
  or: infix('|'),
  xor: infix('^'),
  not: prefix('~'),
  shl: shift('<<'),
  shr: shift('>>'),
};

const rows: { readonly [D in DType]?: Row } = {
  float32: {
    ...numbers,
    div: own('divide'),
    rem: own('remainder'),
    pow: own('pow', 'pow_'),
    min: own('lower'),
    max: own('higher'),
    equal: own('sameFloat'),
    neg: prefix('-'),
    abs: builtin('abs'),
    sign: own('signOf'),
    floor: builtin('floor'),
    sqrt: builtin('sqrt'),
    exp: own('exp', 'exp_'),
    log: own('log', 'log_'),
    sin: own('sin', 'sin_'),
    cos: own('cos', 'cos_'),
    tanh: own('tanh', 'tanh_'),
    sigmoid: own('sigmoid', 'sigmoid_'),
    erf: own('erf', 'erf_'),
  },
  int32: {
    ...integers,
    div: whole('/', '0i', '1i'),
    rem: whole('%', '0i', '1i'),
    neg: prefix('-'),
    abs: builtin('abs'),
    sign: builtin('sign'),
  },
  uint32: {
    ...integers,
    div: whole('/', '0u', '1u'),
    rem: whole('%', '0u', '1u'),
    neg: (_, [a]) => `(0u - ${a})`,
    abs: (_, [a]) => a as string,
    sign: (_, [a]) => `min(${a}, 1u)`,
  },
  bool: {
    and: infix('&'),
    or: infix('|'),
    xor: infix('!='),
    not: prefix('!'),
    equal: infix('=='),
    select,
  },
};

function render(w: KernelWriter, op: ScalarOp, dtype: DType, args: readonly string[]): string {
  const row = rows[dtype]?.[op];
  if (!row) fail('unsupported-dtype', `webgpu: ${op} of ${dtype}. Cast its arguments first.`);
  return row(w, args);
}

/** Combines two values of a reduction. */
export const combine = (
  w: KernelWriter,
  how: 'sum' | 'max' | 'min',
  dtype: DType,
  a: string,
  b: string,
): string => {
  if (dtype === 'bool') return `(${a} ${how === 'min' ? '&' : '|'} ${b})`;
  return render(w, how === 'sum' ? 'add' : how, dtype, [a, b]);
};

function castTo(w: KernelWriter, to: DType, from: DType, x: string): string {
  if (from === to) return x;
  const name = typeNames[to as Stored];
  if (from === 'float32') {
    const function_ = { int32: 'toInt', uint32: 'toUnsigned', bool: 'isTrue' }[to as 'int32'];
    return `${w.call(function_)}(${x})`;
  }
  return to === 'bool' ? `(${x} != 0)` : `${name}(${x})`;
}
