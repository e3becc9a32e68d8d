/**
 * One tile: its sums over the depth, held in registers, and how they reach the out. Each sum takes the depth in order,
 * whatever the tile's height and place, so that cutting the rows elsewhere leaves every bit as it is.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value, v128 } from '../assembler/instructions.ts';
import { type Extras, need } from '../need.ts';
import type { ContractPlan } from './plan.ts';
import { orderOf, unitOf } from './tile.ts';
import { type Cursor, lowest } from './walk.ts';

type Vector = Local<'v128'>;
type Address = Local<'i32'>;

/** What the tiles of one product share. */
export interface Kernel {
  readonly plan: ContractPlan;
  /** Bytes from one row of a to the next. */
  readonly row: number;
  /** Of the depth's axes in what tiles read: operands in place, or packed. */
  readonly depth: readonly { readonly size: number; readonly a: number; readonly b: number }[];
  /** Steps of the last axis in this block of the depth, where blocks differ. */
  readonly steps: Address | undefined;
  /**
   * Where there are several partial sums: no bits for the first, all bits for the others, which add to the out. A
   * branch instead costs 30 % when vectors are paired. `word` is one lane of it, for what is not in pairs.
   */
  readonly mask: { readonly vector: Vector; readonly word: Address } | undefined;
  /** Where tiles wait for being copied if the out cannot take their vectors: columns lie apart, or end within one. */
  readonly edge: Address | undefined;
  /** Needed where there is such an edge. */
  readonly extras: Extras | undefined;
  readonly sums: readonly (readonly Vector[])[];
  readonly rowOfB: readonly Vector[];
  /** Bytes of each of its vectors from where the tile begins in b, where they do not lie side by side. */
  readonly bytesOfB?: readonly number[];
  readonly columnOfA: readonly Vector[];
  /** Of a, each row's: V8 adds an offset to a splatting load by an instruction of its own, unless loads share the offset. */
  readonly at: { readonly a: readonly Address[]; readonly b: Address; readonly out: Address };
}

/** Registers and addresses, declared once per function and used by all of its tiles. */
export function kernelLocals(
  f: FunctionBuilder,
  { tile }: ContractPlan,
): Pick<Kernel, 'sums' | 'rowOfB' | 'columnOfA' | 'at'> {
  const vectors = range(tile.columns / 4);
  return {
    sums: range(tile.rows).map((r) => vectors.map((v) => f.local('v128', `sum${r}_${v}`))),
    rowOfB: vectors.map((v) => f.local('v128', `b${v}`)),
    columnOfA: range(tile.rows).map((r) => f.local('v128', `a${r}`)),
    at: {
      a: range(tile.rows).map((r) => f.local('i32', `at_a${r}`)),
      b: f.local('i32', 'at_b'),
      out: f.local('i32', 'at_out'),
    },
  };
}

/** `width`: how many columns of the panel the out has, where that differs among panels. */
export function emitTile(
  f: FunctionBuilder,
  kernel: Kernel,
  rows: number,
  cursor: Cursor,
  width: Address | undefined,
): void {
  const sums = kernel.sums.slice(0, rows);
  for (const sum of sums.flat()) f.set(sum, v128.constF32(0));
  emitDepth(f, kernel, rows, cursor);
  emitStore(f, kernel, sums, cursor.out, width);
}

/** The lowest of the offsets in a turn of the loop. */
interface Low {
  readonly a: number;
  readonly b: number;
}

/** sums[r][v] += a[r, k] * b[k, v] for all k. */
export function emitDepth(f: FunctionBuilder, kernel: Kernel, rows: number, cursor: Cursor): void {
  const { plan, depth, steps, at, rowOfB, bytesOfB, columnOfA } = kernel;
  const { target } = plan;
  const inner = depth.at(-1) as Kernel['depth'][number];
  const unroll = Math.min(target.unroll ?? 4, inner.size);
  const rowsOfA = at.a.slice(0, rows);
  const loadA = (r: number, k: number, low: number): Value<'v128'> =>
    v128.loadSplat(i32.add(f.get(rowsOfA[r] as Address), low), k * inner.a - low);
  const loadB = (v: number, k: number, low: number): Value<'v128'> =>
    v128.load(i32.add(f.get(at.b), low), k * inner.b + (bytesOfB?.[v] ?? 16 * v) - low);
  const multiplyAdd = (r: number, v: number, a: Vector, b: Vector): void => {
    const sum = kernel.sums[r]?.[v] as Vector;
    const x = f.get(a);
    const y = f.get(b);
    const z = f.get(sum);
    const next = target.relaxed
      ? v128.f32x4('relaxed_madd', x, y, z)
      : v128.f32x4('add', v128.f32x4('mul', x, y), z);
    f.set(sum, next);
  };
  const [a0, b0] = [columnOfA[0] as Vector, rowOfB[0] as Vector];
  const column = columnOfA.slice(0, rows);
  const inRows = orderOf(rows, (4 * rowOfB.length) / unitOf(target)) === 'row';
  // Of a row or a column of the tile, the same in each step: made once.
  const products = (inRows ? column : rowOfB).map((_, k) =>
    f.collect(() => {
      const others = inRows ? rowOfB : column;
      others.forEach((x, i) => {
        if (inRows) multiplyAdd(k, i, a0, x);
        else multiplyAdd(i, k, x, b0);
      });
    }),
  );
  const byRow = (k: number, low: Low): void => {
    rowOfB.forEach((b, v) => {
      f.set(b, loadB(v, k, low.b));
    });
    products.forEach((row, r) => {
      f.set(a0, loadA(r, k, low.a));
      f.append(row);
    });
  };
  const byColumn = (k: number, low: Low): void => {
    column.forEach((a, r) => {
      f.set(a, loadA(r, k, low.a));
    });
    products.forEach((all, v) => {
      f.set(b0, loadB(v, k, low.b));
      f.append(all);
    });
  };
  const step = inRows ? byRow : byColumn;
  const advance = (a: number, b: number): void => {
    for (const row of rowsOfA) f.advance(row, a);
    f.advance(at.b, b);
  };
  const someSteps = (n: number): void => {
    const low = {
      a: lowest((n - 1) * inner.a),
      b: lowest((n - 1) * inner.b),
    };
    for (const k of range(n)) step(k, low);
    advance(n * inner.a, n * inner.b);
  };

  rowsOfA.forEach((row, r) => {
    f.set(row, i32.add(f.get(cursor.a), r * kernel.row));
  });
  f.set(at.b, f.get(cursor.b));
  if (!steps) {
    overDepth(f, depth, advance, () => {
      f.times(Math.floor(inner.size / unroll), () => someSteps(unroll));
      someSteps(inner.size % unroll);
    });
    return;
  }
  // All blocks but the last are whole turns.
  const last = inner.size % plan.depthStep || plan.depthStep;
  const turns = i32.op('div_u', f.get(steps), i32.const(unroll));
  const wholeTurns = (): void => f.times(turns, () => someSteps(unroll));
  if (last < unroll) f.if(turns, wholeTurns);
  else wholeTurns();
  if (last % unroll > 0)
    f.if(i32.op('rem_u', f.get(steps), i32.const(unroll)), () => someSteps(last % unroll));
}

/** Loops over all axes of the depth but the last, which `body` walks. */
function overDepth(
  f: FunctionBuilder,
  depth: Kernel['depth'],
  advance: (a: number, b: number) => void,
  body: () => void,
): void {
  const nest = (k: number): void => {
    const axis = depth[k] as Kernel['depth'][number];
    const inner = depth[k + 1];
    if (!inner) {
      body();
      return;
    }
    f.times(axis.size, () => {
      nest(k + 1);
      // The inner axis has run to its end.
      advance(axis.a - inner.size * inner.a, axis.b - inner.size * inner.b);
    });
  };
  nest(0);
}

/** Stores the sums of a tile, or adds them to the out. */
export function emitStore(
  f: FunctionBuilder,
  kernel: Kernel,
  sums: readonly (readonly Vector[])[],
  out: Address,
  width: Address | undefined,
): void {
  const { plan, at, edge, mask } = kernel;
  const { columns, tile } = plan;
  const store = (to: Address, rowBytes: number, width: number, add: boolean): void => {
    f.set(at.out, f.get(to));
    sums.forEach((all, r) => {
      const row = all.slice(0, width / 4);
      if (add && mask) {
        row.forEach((sum, v) => {
          const before = v128.bits('and', v128.load(f.get(at.out), 16 * v), f.get(mask.vector));
          f.set(sum, v128.f32x4('add', before, f.get(sum)));
        });
      }
      // The last one first, as pairs want it (pairing.ts).
      for (let v = row.length - 1; v >= 0; v--)
        f.store('v128.store', f.get(at.out), f.get(row[v] as Vector), 16 * v);
      if (r < sums.length - 1) f.advance(at.out, rowBytes);
    });
  };
  const whole = (): void => store(out, plan.rows.out, 4 * kernel.rowOfB.length, true);
  const part = (): void => {
    if (!edge) {
      store(out, plan.rows.out, columns.size % tile.columns, true);
      return;
    }
    store(edge, 4 * tile.columns, tile.columns, false);
    need(kernel.extras).copyEdge(f, kernel, { rows: sums.length, out, width });
  };
  if (!edge && !width) whole();
  else if (columns.out !== 4 || columns.size < tile.columns || !width) part();
  else f.if(i32.op('lt_s', f.get(width), i32.const(tile.columns)), part, whole);
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
