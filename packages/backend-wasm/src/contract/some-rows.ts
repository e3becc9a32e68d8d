/** Part of the rows of a product: where threads share it. Knows tiles; leaves the arithmetic to kernel.ts. */
import type { FunctionBuilder } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import type { ContractPlan } from './plan.ts';
import { stepOfRows } from './product.ts';
import { ahead, type Cursor, type Range } from './walk.ts';

/** Tiles of nearly equal height, of any that may arise: how many rows there are is known when the code runs. */
export function someRows(
  f: FunctionBuilder,
  plan: ContractPlan,
  { from, range }: { readonly from: Cursor; readonly range: Range },
  emit: (rows: number, tiles: Value<'i32'>, cursor: Cursor) => void,
): void {
  const limit = plan.tile.rows;
  const cursor = ahead(f, from, stepOfRows(plan, 1), f.get(range.first));
  const count = f.get(range.count);
  const tiles = f.let('tiles', i32.op('div_u', i32.add(count, limit - 1), i32.const(limit)));
  const low = f.let('low', i32.op('div_u', count, f.get(tiles)));
  const taller = f.let('taller', i32.op('sub', count, i32.op('mul', f.get(low), f.get(tiles))));
  for (let rows = Math.min(limit, plan.rows.size); rows >= 1; rows--) {
    const height = (n: number): Value<'i32'> => i32.op('eq', f.get(low), i32.const(n));
    const some = f.let(
      'some',
      i32.add(
        i32.op('mul', height(rows - 1), f.get(taller)),
        i32.op('mul', height(rows), i32.op('sub', f.get(tiles), f.get(taller))),
      ),
    );
    f.if(f.get(some), () => emit(rows, f.get(some), cursor));
  }
}
