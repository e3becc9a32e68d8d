/**
 * Which instructions V8 may compile to 256-bit vectors. Its revectoriser is experimental, and random tests found loops of
 * integers, casts and gathered lanes that it compiles wrongly. Products and plain float loops, which cells and their
 * gradients are made of, are tested bit for bit; other loops keep to 128 bits. Knows instructions; emits nothing.
 */
import { exprOrder, type Instr, type Loop, sizeOf } from '@ostinato/core/backend';

/** Whether an instruction is of a form that is safe to pair. A scan's own code has no vectors: its body's count. */
export const pairs = (instr: Instr): boolean =>
  instr.kind === 'loop' ? loopPairs(instr) : instr.kind !== 'scan';

/** Fewer elements than one pair of vectors has. */
const TOO_FEW = 8;

const plainOps: ReadonlySet<string> = new Set([
  ...[
    'arg',
    'const',
    'add',
    'sub',
    'mul',
    'div',
    'min',
    'max',
    'neg',
    'abs',
    'sign',
    'floor',
    'sqrt',
  ],
  ...['exp', 'log', 'tanh', 'sigmoid', 'erf', 'sin', 'cos', 'less', 'lessEqual', 'equal', 'select'],
]);

function loopPairs(loop: Loop): boolean {
  const { shape, over, args, outs, body } = loop;
  if (sizeOf(shape) < TOO_FEW && sizeOf(over) < TOO_FEW) return true;
  if ([...args, ...outs].some((o) => o.dtype !== 'float32')) return false;
  if (!exprOrder(body).every((x) => plainOps.has(x.op))) return false;
  const all = [...shape, ...over];
  const last = (from: number, to: number): number =>
    all.findLastIndex((n, k) => n > 1 && k >= from && k < to);
  // Along the axis of the vectors every operand is dense or repeats.
  const dense = (axis: number): boolean =>
    axis < 0 || args.every((o) => o.strides[axis] === 1 || o.strides[axis] === 0);
  const rows = last(0, shape.length);
  const along = dense(rows) && (rows < 0 || outs.every((o) => o.strides[rows] === 1));
  return along || (over.length > 0 && dense(last(shape.length, all.length)));
}
