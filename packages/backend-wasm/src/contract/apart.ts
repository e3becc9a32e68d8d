/** Packing where columns do not lie side by side. Knows strides; knows no arithmetic. */
import type { FunctionBuilder } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import type { Strip } from './panels.ts';
import { lowest } from './walk.ts';

/** Four steps at once where they lie side by side in each column, else one by one. */
export function packApart(f: FunctionBuilder, strip: Strip): void {
  const { from, to, width, panel, inner, steps } = strip;
  const one = (): void => {
    gatherStep(f, strip);
    f.advance(from, inner.b);
    f.advance(to, 4 * panel);
  };
  const four = (): void => {
    transposeFour(f, strip);
    f.advance(from, 16);
    f.advance(to, 16 * panel);
  };
  if (inner.b !== 4 || inner.size < 4 || width < 4) f.times(steps ? f.get(steps) : inner.size, one);
  else if (steps) {
    const quads = i32.op('shr_u', f.get(steps), i32.const(2));
    f.if(quads, () => f.times(quads, four));
    const rest = i32.op('and', f.get(steps), i32.const(3));
    if (inner.size & 3) f.if(rest, () => f.times(rest, one));
  } else {
    f.times(inner.size >> 2, four);
    f.times(inner.size & 3, one);
  }
}

/** Columns anywhere. */
function gatherStep(f: FunctionBuilder, { from, to, width, panel, across }: Strip): void {
  const low = lowest((width - 1) * across);
  for (let c = 0; c < panel; c++) {
    const x = c < width ? f32.load(i32.add(f.get(from), low), c * across - low) : f32.const(0);
    f.store('f32.store', f.get(to), x, 4 * c);
  }
}

/** Four steps that lie side by side in each column. */
function transposeFour(f: FunctionBuilder, { from, to, width, panel, across }: Strip): void {
  const low = lowest((width - 1) * across);
  const column = (c: number): Value<'v128'> =>
    c < width ? v128.load(i32.add(f.get(from), low), c * across - low) : v128.constF32(0);
  for (let c = 0; c < panel; c += 4) {
    const [x0, x1, x2, x3] = [0, 1, 2, 3].map((i) => f.get(f.let('x', column(c + i)))) as Four;
    const t0 = f.get(f.let('t', v128.shuffle(x0, x1, [0, 4, 1, 5])));
    const t1 = f.get(f.let('t', v128.shuffle(x0, x1, [2, 6, 3, 7])));
    const t2 = f.get(f.let('t', v128.shuffle(x2, x3, [0, 4, 1, 5])));
    const t3 = f.get(f.let('t', v128.shuffle(x2, x3, [2, 6, 3, 7])));
    const rows = [
      v128.shuffle(t0, t2, [0, 1, 4, 5]),
      v128.shuffle(t0, t2, [2, 3, 6, 7]),
      v128.shuffle(t1, t3, [0, 1, 4, 5]),
      v128.shuffle(t1, t3, [2, 3, 6, 7]),
    ];
    rows.forEach((row, k) => {
      f.store('v128.store', f.get(to), row, 4 * (k * panel + c));
    });
  }
}

type Four = [Value<'v128'>, Value<'v128'>, Value<'v128'>, Value<'v128'>];
