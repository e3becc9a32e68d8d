/** Tiles whose vectors the out cannot take: its columns end within one, or lie apart. Knows strides. */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import { type Kernel, range } from './kernel.ts';

type Address = Local<'i32'>;

interface Edge {
  readonly rows: number;
  readonly out: Address;
  /** How many columns the out has there, where that differs among panels. */
  readonly width: Address | undefined;
}

/** Copies the waiting tile, as far as the out has columns. */
export function copyEdge(
  f: FunctionBuilder,
  { plan, at, edge, mask }: Kernel,
  { rows, out, width }: Edge,
): void {
  const { columns, tile } = plan;
  const from = at.a[0] as Address;
  const copyOne = (offset: number): void => {
    const x = f32.load(f.get(from), offset);
    if (!mask) {
      f.store('f32.store', f.get(at.out), x, offset);
      return;
    }
    const before = i32.op('and', i32.load(f.get(at.out), offset), f.get(mask.word));
    const sum = f32.op('add', f32.op('reinterpret_i32', before), x);
    f.store('f32.store', f.get(at.out), sum, offset);
  };
  const copyFour = (offset: number): void => {
    const x = v128.load(f.get(from), offset);
    const before = (word: Address): Value<'v128'> =>
      v128.bits('and', v128.load(f.get(at.out), offset), v128.splat(f.get(word)));
    const y = mask ? v128.f32x4('add', before(mask.word), x) : x;
    f.store('v128.store', f.get(at.out), y, offset);
  };
  f.set(from, f.get(edge as Address));
  if (columns.out === 4) {
    f.set(at.out, f.get(out));
    const tail = columns.size % tile.columns;
    f.times(rows, () => {
      for (const q of range(Math.floor(tail / 4))) copyFour(16 * q);
      for (const c of range(tail % 4)) copyOne(4 * (tail - (tail % 4) + c));
      f.advance(from, 4 * tile.columns);
      f.advance(at.out, plan.rows.out);
    });
    return;
  }
  const row = f.let('row', f.get(out));
  const count = width ? f.get(width) : Math.min(columns.size, tile.columns);
  f.times(rows, () => {
    f.set(at.out, f.get(row));
    f.set(at.b, f.get(from));
    f.times(count, () => {
      copyOne(0);
      f.advance(from, 4);
      f.advance(at.out, columns.out);
    });
    f.set(from, i32.add(f.get(at.b), 4 * tile.columns));
    f.advance(row, plan.rows.out);
  });
}
