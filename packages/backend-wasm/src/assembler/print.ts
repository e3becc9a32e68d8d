/** Functions as text in the manner of WebAssembly's folded text format, for people and snapshots. */

import type { Value } from './codes.ts';
import type { Func, Statement } from './function.ts';

export function printFunction(f: Func): string {
  const all = [...f.params, ...f.locals];
  const local = (index: number): string => {
    const name = all[index]?.name ?? '?';
    return all.filter((l) => l.name === name).length > 1 ? `$${name}_${index}` : `$${name}`;
  };
  const params = f.params.map((p) => ` (param ${local(p.index)} ${p.type})`).join('');
  const value = (v: Value): string => {
    const head = printOp(v.op, v.imm, local);
    return v.args.length === 0 && v.op === 'local.get'
      ? local(v.imm[0] as number)
      : `(${[head, ...v.args.map(value)].join(' ')})`;
  };
  const lines = (body: readonly Statement[], indent: string): string[] =>
    body.flatMap((s) => statement(s, indent));
  const statement = (s: Statement, indent: string): string[] => {
    switch (s.kind) {
      case 'do':
        return [`${indent}(${[printOp(s.op, s.imm, local), ...s.args.map(value)].join(' ')})`];
      case 'call':
        return [`${indent}(${[`call $${s.callee.name}`, ...s.args.map(value)].join(' ')})`];
      case 'loop':
        return [`${indent}(loop`, ...lines(s.body, `${indent}  `), `${indent})`];
      case 'if':
        return [
          `${indent}(if ${value(s.condition)} (then`,
          ...lines(s.whenTrue, `${indent}  `),
          ...(s.whenFalse.length > 0
            ? [`${indent}) (else`, ...lines(s.whenFalse, `${indent}  `)]
            : []),
          `${indent}))`,
        ];
      case 'repeat':
        return [`${indent}(br_if 0 ${value(s.condition)})`];
    }
  };
  return [`(func $${f.name}${params}`, ...lines(f.body, '  '), ')'].join('\n');
}

function printOp(
  op: Value['op'],
  imm: readonly number[],
  local: (index: number) => string,
): string {
  const [first = 0, ...rest] = imm;
  if (op.startsWith('local.')) return `${op} ${local(first)}`;
  if (op === 'v128.const') return `${op} ${new Uint8Array(Int32Array.from(imm).buffer).join(' ')}`;
  if (/load|store/.test(op))
    return [op, ...(first === 0 ? [] : [`offset=${first}`]), ...rest].join(' ');
  return [op, ...imm].join(' ');
}
