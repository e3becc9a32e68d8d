/** Programs as text that people read and tests snapshot. Knows the format only. */
import { type Expr, exprOrder } from './expr.ts';
import type { Instr, Operand, Program, Scan } from './program.ts';

const infix: { readonly [op: string]: string } = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  rem: '%',
  less: '<',
  lessEqual: '<=',
  equal: '==',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr: '>>',
};

/** One line per instruction; a scan's body is indented under it. */
export function printProgram(program: Program): string {
  const slot = (k: number): string => {
    const s = program.slots[k] as Program['slots'][number];
    const home = s.arena === undefined ? '' : ` @${s.arena}+${s.offset}`;
    return `%${k} ${s.label}: ${s.dtype}[${s.size}]${home}`;
  };
  const both = program.inputs.filter((k) => program.outputs.includes(k));
  const header = [
    `in  ${program.inputs.map(slot).join(', ') || 'nothing'}`,
    `out ${program.outputs.map(slot).join(', ') || 'nothing'}`,
    ...(both.length > 0 ? [`donated ${both.map((k) => `%${k}`).join(', ')}`] : []),
    ...(program.scratch.length > 0 ? [`scratch ${program.scratch.join(' + ')} bytes`] : []),
  ];
  return [...header, ...program.code.map((i) => printInstr(i, program))].join('\n');
}

function printInstr(i: Instr, program: Program): string {
  const at = (o: Operand): string => {
    const label = program.slots[o.slot]?.label ?? '?';
    return `%${o.slot} ${label}${o.offset ? `+${o.offset}` : ''}<${o.strides.join(',')}>`;
  };
  switch (i.kind) {
    case 'scan':
      return printScan(i, at);
    case 'loop': {
      const over = i.over.length > 0 ? ` ${i.combine} over [${i.over.join(',')}]` : '';
      const lines = printExprs(i.body, i.args.map(at));
      const outs = i.outs.map((o, k) => `    ${at(o)} = ${lines.results[k]}`);
      return [`loop [${i.shape.join(',')}]${over}`, ...lines.statements, ...outs].join('\n');
    }
    case 'contract':
      return `contract [${i.shape.join(',')}] over [${i.over.join(',')}] ${i.args.map(at).join(' * ')} -> ${at(i.outs[0])}`;
    case 'gather':
    case 'scatter':
      return `${i.kind} [${i.shape.join(',')}] rows ${i.rows} ${i.args.map(at).join(' by ')} -> ${at(i.outs[0])}`;
  }
}

function printScan(i: Scan, at: (o: Operand) => string): string {
  const list = (name: string, operands: readonly Operand[]): string[] =>
    operands.length > 0 ? [`    ${name} ${operands.map(at).join(', ')}`] : [];
  const rows = i.rows ? `${i.rows.count} rows` : `rows mix${i.why ? ` (${i.why})` : ''}`;
  return [
    `scan ${i.label} ${i.length} steps${i.reverse ? ' reverse' : ''}, ${rows}`,
    ...list('consts', i.consts),
    ...list('init', i.init),
    ...list('xs', i.xs),
    ...list('finals', i.finals),
    ...list('ys', i.ys),
    ...printProgram(i.body)
      .split('\n')
      .map((line) => `    | ${line}`),
  ].join('\n');
}

/** Expressions as statements: what is used twice gets a name, the rest is written in place. */
function printExprs(
  roots: readonly Expr[],
  args: readonly string[],
): { statements: string[]; results: string[] } {
  const uses = new Map<Expr, number>();
  const order = exprOrder(roots);
  const use = (x: Expr): void => {
    uses.set(x, (uses.get(x) ?? 0) + 1);
  };
  for (const x of order) if ('args' in x) x.args.forEach(use);
  roots.forEach(use);
  const text = new Map<Expr, string>();
  const statements: string[] = [];
  for (const x of order) {
    const inner = printExpr(x, args, (y) => text.get(y) as string);
    if ('args' in x && (uses.get(x) ?? 0) > 1) {
      const name = `v${statements.length}`;
      statements.push(`    ${name} = ${inner}`);
      text.set(x, name);
    } else text.set(x, inner);
  }
  return { statements, results: roots.map((r) => text.get(r) as string) };
}

function printExpr(x: Expr, args: readonly string[], inner: (x: Expr) => string): string {
  if (x.op === 'arg') return args[x.index] ?? `$${x.index}`;
  if (x.op === 'const') return x.dtype === 'bool' ? String(x.value !== 0) : String(x.value);
  if (x.op === 'axis') return `i${x.axis}`;
  const parts = x.args.map(inner);
  if (x.op === 'cast') return `${x.dtype}(${parts[0]})`;
  const sign = infix[x.op];
  return sign ? `(${parts[0]} ${sign} ${parts[1]})` : `${x.op}(${parts.join(', ')})`;
}
