/**
 * Text to equations. Knows the grammar; what names mean is in check.ts.
 *
 *     line     = name ['] "=" sum | "start" name "=" number          one per line; # begins a comment
 *     sum      = product { (+ | -) product }
 *     product  = sign { (* | /) sign }
 *     sign     = [-] power
 *     power    = factor [ ^ sign ]
 *     factor   = Matrix [*] factor | number | name ['] | name "(" sum { "," sum } ")" | "(" sum ")"
 *
 * A name with a capital letter in front is a matrix and multiplies what follows: `W x`.
 */
import { functionNames, functionOf } from './functions.ts';
import {
  type Expression,
  isMatrix,
  type Line,
  namePattern,
  type Operator,
  type Place,
  primePattern,
  refuse,
} from './syntax.ts';

interface Token {
  readonly kind: 'name' | 'number' | 'sign' | 'prime' | 'end of line' | 'end';
  readonly text: string;
  readonly at: Place;
  /** Characters of all lines before it. */
  readonly from: number;
}

/** Phones put other signs in place of those that were typed. */
const spelling: ReadonlyMap<string, string> = new Map([
  ['−', '-'],
  ['–', '-'],
  ['×', '*'],
  ['·', '*'],
  ['⋅', '*'],
  ['⊙', '*'],
  ['∘', '*'],
]);

const patterns: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /[^\S\n]+|#[^\n]*/y],
  ['end of line', /[\n;]/y],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy],
  ['name', new RegExp(namePattern, 'uy')],
  ['prime', new RegExp(primePattern, 'y')],
  ['sign', /[-+*/^=(),−–×·⋅⊙∘]/y],
];

/**
 * Names, numbers and signs of all lines together; an LSTM with peepholes has about a hundred. Reading, tracing and
 * compiling call themselves for each: 1000 overflow a stack of 480 KB, 500 fit into 300 KB. A page has 984 KB in V8.
 */
const MOST = 500;

const raisedDigits = /^[⁰¹²³⁴-⁹]+/;
const loweredDigits = /^[₀-₉]+/;

/** Digits above or below the line, or one character. */
const strange = (text: string): string =>
  (raisedDigits.exec(text) ?? loweredDigits.exec(text))?.[0] ??
  String.fromCodePoint(text.codePointAt(0) as number);

function insteadOf(raw: string): string {
  const digits = raw.normalize('NFKC');
  if (raisedDigits.test(raw)) return `For a power write ^ ${digits}.`;
  if (loweredDigits.test(raw)) return `For a part of a name write ${digits}.`;
  return 'Use names, numbers, + - * / ^ and parentheses.';
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let [line, lineStart, depth, size] = [1, 0, 0, 0];
  for (let i = 0; i < text.length; ) {
    const column = i - lineStart + 1;
    const hit = patterns.flatMap(([kind, pattern]) => {
      pattern.lastIndex = i;
      const match = pattern.exec(text);
      return match ? [{ kind, raw: match[0] }] : [];
    })[0];
    if (!hit) {
      const raw = strange(text.slice(i));
      refuse(`“${raw}” means nothing here. ${insteadOf(raw)}`, {
        line,
        column,
        length: raw.length,
      });
    }
    const { kind, raw } = hit;
    const at = { line, column, length: raw.length };
    const sign = spelling.get(raw) ?? raw;
    if (sign === '(') depth++;
    if (sign === ')') depth--;
    // Inside of parentheses, and behind an operator, a line goes on in the next one.
    const goesOn = depth > 0 || /^[-+*/^=,]$/.test(found.at(-1)?.text ?? '');
    if (kind !== 'space' && kind !== 'end of line' && ++size > MOST)
      refuse(
        `The equations have more than ${MOST} names, numbers and signs. Take some of them away.`,
        at,
      );
    if (kind === 'number' && !Number.isFinite(Math.fround(Number(raw))))
      refuse(`${raw} is too large: numbers go up to 3.4e38. Write a smaller one.`, at);
    if (kind !== 'space' && !(kind === 'end of line' && goesOn))
      found.push({ kind, text: kind === 'prime' ? "'" : sign, at, from: i });
    i += raw.length;
    if (raw === '\n') [line, lineStart] = [line + 1, i];
  }
  const at = { line, column: text.length - lineStart + 1, length: 1 };
  const end = { text: '', at, from: text.length };
  return [...found, { kind: 'end of line', ...end }, { kind: 'end', ...end }];
}

/** @throws EquationError at the first place that does not fit the grammar */
export function parse(text: string): Line[] {
  const all = tokens(text);
  let next = 0;
  const peek = (ahead = 0): Token => all[Math.min(next + ahead, all.length - 1)] as Token;
  const take = (): Token => all[next++] as Token;
  const isSign = (text: string): boolean => peek().kind === 'sign' && peek().text === text;
  const skip = (text: string): boolean => isSign(text) && take() !== undefined;
  const shown = ({ kind, text }: Token): string =>
    kind === 'end of line' || kind === 'end' ? 'the line ends' : `“${text}” stands there`;

  function expect(text: string, why: string): void {
    if (!skip(text)) refuse(`${why}, but ${shown(peek())}. Write “${text}” there.`, peek().at);
  }

  function sum(): Expression {
    let left = product();
    while (isSign('+') || isSign('-')) left = operation(left, take(), product());
    return left;
  }

  function product(): Expression {
    let left = sign();
    while (isSign('*') || isSign('/')) left = operation(left, take(), sign());
    return left;
  }

  const operation = (left: Expression, { text, at }: Token, right: Expression): Expression => ({
    kind: 'operator',
    operator: text as Operator,
    left,
    right,
    at,
  });

  function sign(): Expression {
    if (!isSign('-')) return power();
    const { at } = take();
    return { kind: 'minus', operand: sign(), at };
  }

  function power(): Expression {
    const base = factor();
    return isSign('^') ? operation(base, take(), sign()) : base;
  }

  function factor(): Expression {
    const token = take();
    const { kind, text, at } = token;
    if (kind === 'number') return { kind: 'number', value: Number(text), at };
    if (kind === 'sign' && text === '(') {
      const inner = sum();
      expect(')', 'A parenthesis is open');
      return inner;
    }
    if (kind !== 'name') {
      const what = kind === 'prime' ? 'a prime without a name' : shown(token);
      return refuse(`A value is missing: ${what}. Write a name, a number or a parenthesis.`, at);
    }
    if (isMatrix(text)) return matrixProduct(token);
    if (isSign('(')) return call(token);
    if (functionOf(text))
      return refuse(`${text} is a function. Put what it is of into parentheses: ${text}(...).`, at);
    const isNext = peek().kind === 'prime';
    if (isNext) take();
    return { kind: 'name', name: text, isNext, at };
  }

  function matrixProduct({ text, at }: Token): Expression {
    skip('*');
    const { kind, text: follows } = peek();
    if (kind === 'name' || kind === 'number' || (kind === 'sign' && follows === '('))
      return { kind: 'product', matrix: text, operand: factor(), at };
    return refuse(
      `${text} begins with a capital letter, so it is a matrix and multiplies what follows it, but ${shown(peek())}. Write ${text} x, or a small letter for a vector.`,
      at,
    );
  }

  function call({ text, at }: Token): Expression {
    const fn = functionOf(text);
    if (!fn)
      return refuse(
        `${text} is no function. There are ${functionNames.join(', ')}. To multiply, write ${text} * (...).`,
        at,
      );
    take();
    const args = [sum()];
    while (skip(',')) args.push(sum());
    expect(')', `The parenthesis of ${text} is open`);
    if (args.length !== fn.parameters)
      return refuse(
        `${text} takes ${fn.parameters}, but got ${args.length}. Separate values by commas.`,
        at,
      );
    return { kind: 'call', name: text, args, at };
  }

  function endOfLine(): void {
    const token = peek();
    if (token.kind === 'end of line') {
      take();
      return;
    }
    const hint =
      token.kind === 'sign'
        ? 'Take it away, or put a value in front of it.'
        : 'Put + - * or / between two values; only a matrix, a name with a capital letter, stands right before what it multiplies.';
    refuse(`The line should end here, but ${shown(token)}. ${hint}`, token.at);
  }

  function line(): Line {
    const token = take();
    const { kind, text: name, at } = token;
    if (kind !== 'name')
      return refuse(
        `A line begins with a name, but ${shown(token)}. Write name = ..., or h' = ...`,
        at,
      );
    if (name === 'start' && peek().kind === 'name') return startLine();
    if (isMatrix(name) || functionOf(name))
      return refuse(
        `${name} cannot be computed, because it is ${functionOf(name) ? 'a function' : 'a matrix that is learned'}. Choose another name, with a small letter in front.`,
        at,
      );
    const isNext = peek().kind === 'prime';
    if (isNext) take();
    expect('=', `Behind ${name} there should be what it is`);
    const { from } = peek();
    const expression = sum();
    const source = sourceBetween(from, all[next - 1] as Token);
    endOfLine();
    return { kind: isNext ? 'next' : 'value', name, expression, source, at };
  }

  const sourceBetween = (from: number, last: Token): string =>
    text
      .slice(from, last.from + last.at.length)
      .replace(/#[^\n]*/g, '')
      .replace(/\s+/g, ' ');

  function startLine(): Line {
    const { text: name, at } = take();
    expect('=', `Behind start ${name} there should be a number`);
    const factor = skip('-') ? -1 : 1;
    const number = take();
    if (number.kind !== 'number')
      refuse(
        `${name} starts with a number, but ${shown(number)}. Write start ${name} = 1.`,
        number.at,
      );
    endOfLine();
    return { kind: 'start', name, value: factor * Number(number.text), at };
  }

  const lines: Line[] = [];
  while (peek().kind !== 'end') {
    if (peek().kind === 'end of line') take();
    else lines.push(line());
  }
  return lines;
}
