/** What this backend cannot run, said before anything is compiled. Knows element types only. */
import {
  type DType,
  type Expr,
  exprOrder,
  fail,
  type Instr,
  type Program,
} from '@ostinato/core/backend';

/** Throws where a program, or the body of one of its scans, uses an element type that this backend lacks. */
export function requireSupported(program: Program): void {
  for (const slot of program.slots) requireDType(slot.dtype, `"${slot.label}"`);
  for (const instr of program.code) {
    if (instr.kind === 'scan') requireSupported(instr.body);
    else requireInstr(instr);
  }
}

function requireInstr(instr: Exclude<Instr, { kind: 'scan' }>): void {
  if (instr.kind !== 'loop') return;
  for (const x of exprOrder(instr.body)) requireExpr(x);
}

function requireExpr(x: Expr): void {
  if (x.op === 'const' || x.op === 'cast') requireDType(x.dtype, `a ${x.op} in a loop`);
}

function requireDType(dtype: DType, where: string): void {
  if (dtype === 'float64')
    fail(
      'unsupported-dtype',
      `cpu: ${where} is float64, which this backend does not have. Use float32, or the reference backend.`,
    );
}
