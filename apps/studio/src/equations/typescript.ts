/** Equations as a program for `@ostinato/cells`: what a visitor made here goes on working elsewhere. */
import type { Plan } from './check.ts';
import { functionNames, functionOf } from './functions.ts';
import type { Expression, Operator } from './syntax.ts';

const operators: Readonly<Record<Operator, string>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '^': 'pow',
};

/** What the module imports from core where it uses it; `min` and `max` are called otherwise there. */
const ofCore = [
  ...Object.values(operators),
  ...functionNames.filter((name) => !['norm', 'min', 'max'].includes(name)),
  ...['broadcastTo', 'full', 'keys', 'matmul', 'maximum', 'minimum', 'neg', 'scalar', 'variance'],
];

const words = [
  ...ofCore,
  ...['norm', 'wide', 'own', 'key', 'batch', 'inputs', 'units', 'cell', '_'],
  ...['undefined', 'arguments'],
  ...[
    'await',
    'break',
    'case',
    'catch',
    'class',
    'const',
    'continue',
    'debugger',
    'default',
    'delete',
  ],
  ...[
    'do',
    'else',
    'enum',
    'eval',
    'export',
    'extends',
    'false',
    'finally',
    'for',
    'function',
    'if',
  ],
  ...['implements', 'import', 'in', 'instanceof', 'interface', 'let', 'new', 'null', 'package'],
  ...['private', 'protected', 'public', 'return', 'static', 'super', 'switch', 'this', 'throw'],
  ...['true', 'try', 'typeof', 'var', 'void', 'while', 'with', 'yield'],
];

const norm = `
/** With mean 0 and variance 1. */
function norm(x: Tensor): Tensor {
  const keep = { axes: -1, keepDims: true };
  return div(sub(x, mean(x, keep)), sqrt(add(variance(x, keep), 1e-5)));
}
`;

/** The source of a module that exports `cell(inputs, units)`. */
export function typeScriptOf(plan: Plan): string {
  const { states, matrices, vectors, lines, output } = plan;
  const learned = [...matrices, ...vectors].map(({ name }) => name);
  const stateNames = states.map(({ name }) => name);
  const write = writer(plan);

  const starts = states.map(
    ({ name, start }) => `${property(name)}: full([batch, units], ${start})`,
  );
  const inits = [
    ...matrices.map(({ name, rows }, i) => {
      const first = rows === 'one' ? '1' : rows;
      const initial = rows === 'units' ? 'orthogonal' : 'glorotUniform';
      return `${property(name)}: ${initial}(own[${i}] as Key, [${first}, units]),`;
    }),
    ...vectors.map(({ name, start }) => `${property(name)}: full([units], ${start}),`),
  ];
  const steps = lines.map(({ kind, name, expression }) => {
    const value = write.tensor(expression);
    return kind === 'next'
      ? `const ${write.next(name)} = wide(${value});`
      : `const ${write.name(name)} = ${value};`;
  });
  const result = output.kind === 'next' ? write.next(output.name) : `wide(${write.name('y')})`;
  const next = stateNames.map((name) => `${property(name)}: ${write.next(name)}`);
  const text = `${steps.some((line) => line.includes('norm(')) ? norm : ''}
type Params = ${learned.length > 0 ? record(learned) : 'null'};
type State = ${record(stateNames)};

export const cell = (inputs: number, units: number): Cell<Params, State> => ({
  init(${matrices.length > 0 ? 'key' : ''}) {${
    matrices.length > 0 ? `\n    const own = keys(key, ${matrices.length});` : ''
  }
    return ${learned.length > 0 ? `{\n${indented(inits, 6)}\n    }` : 'null'};
  },
  start: (_, batch) => ({ ${starts.join(', ')} }),
  step(${learned.length > 0 ? `{ ${learned.map(write.binding).join(', ')} }` : '_'}, { ${stateNames.map(write.binding).join(', ')} }, x) {
    const wide = (t: Tensor): Tensor => broadcastTo(t, [x.shape[0] as number, units]);
${indented(steps, 4)}
    return [{ ${next.join(', ')} }, ${result}];
  },
});
`;
  return `${imports(text)}${text}`;
}

const indented = (lines: readonly string[], by: number): string =>
  lines.map((line) => `${' '.repeat(by)}${line}`).join('\n');

/** `__proto__: ...` in a literal is no property. */
const property = (name: string): string => (name === '__proto__' ? `['${name}']` : name);

const record = (names: readonly string[]): string =>
  `Readonly<Record<${names.map((name) => `'${name}'`).join(' | ')}, Tensor>>`;

function imports(text: string): string {
  const used = (names: readonly string[]): string[] =>
    names.filter((name) => text.includes(`${name}(`) && new RegExp(`\\b${name}\\(`).test(text));
  const fromCells = ['type Cell', ...used(['glorotUniform', 'orthogonal'])];
  const types = ['type Tensor', ...(text.includes(' as Key') ? ['type Key'] : [])];
  const fromCore = [...used([...new Set(ofCore)]).sort(), ...types];
  return `import { ${fromCells.join(', ')} } from '@ostinato/cells';
import { ${fromCore.join(', ')} } from '@ostinato/core';
`;
}

interface Writer {
  /** Never a plain number. */
  tensor(e: Expression): string;
  name(name: string): string;
  next(name: string): string;
  /** As it stands in a pattern. */
  binding(name: string): string;
}

/** Expressions with names that mean nothing else in the module. */
function writer(plan: Plan): Writer {
  const taken = new Set(words);
  const names = new Map<string, string>();
  const free = (wanted: string): string => {
    const found = taken.has(wanted) ? free(`${wanted}_`) : wanted;
    taken.add(found);
    return found;
  };
  const all = [
    'x',
    ...[...plan.matrices, ...plan.vectors, ...plan.states].map(({ name }) => name),
    ...plan.values.keys(),
  ];
  for (const name of all) names.set(name, free(name));
  for (const { name } of plan.states) names.set(`${name}'`, free(`${name}Next`));
  const name = (own: string): string => names.get(own) as string;
  const next = (own: string): string => name(`${own}'`);

  const tensor = (e: Expression): string =>
    e.kind === 'number' ? `scalar(${e.value})` : operand(e);
  const operand = (e: Expression): string => {
    switch (e.kind) {
      case 'number':
        return String(e.value);
      case 'name':
        return e.isNext ? next(e.name) : name(e.name);
      case 'minus':
        return `neg(${operand(e.operand)})`;
      case 'product':
        return `matmul(${tensor(e.operand)}, ${name(e.matrix)})`;
      case 'operator':
        return `${operators[e.operator]}(${operand(e.left)}, ${operand(e.right)})`;
      case 'call': {
        const [a = '', b = ''] = e.args.map(tensor);
        const fn = functionOf(e.name);
        if (fn?.ofRows && e.args.every((arg) => isNumber(arg, plan))) return ofNumber(e.name, a);
        return fn?.code(a, b) as string;
      }
    }
  };
  return {
    tensor,
    name,
    next,
    binding: (own) => (name(own) === own ? own : `${own}: ${name(own)}`),
  };
}

/** What a function of rows is of a single number. */
const ofNumber = (name: string, a: string): string =>
  name === 'norm' ? 'scalar(0)' : name === 'softmax' ? 'scalar(1)' : a;

function isNumber(e: Expression, plan: Plan): boolean {
  switch (e.kind) {
    case 'number':
      return true;
    case 'name':
      return !e.isNext && plan.values.get(e.name) === 'number';
    case 'minus':
      return isNumber(e.operand, plan);
    case 'product':
      return false;
    case 'operator':
      return isNumber(e.left, plan) && isNumber(e.right, plan);
    case 'call':
      return e.args.every((arg) => isNumber(arg, plan));
  }
}
