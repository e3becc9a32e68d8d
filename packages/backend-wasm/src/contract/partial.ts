/**
 * Partial sums over blocks of a long depth, added up in order in the out. Knows where blocks begin; leaves each of them
 * to who calls.
 */
import { sizeOfAxes } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, v128 } from '../assembler/instructions.ts';
import type { Kernel } from './kernel.ts';
import { inPieces } from './pieces.ts';
import type { ByteAxis, ContractPlan } from './plan.ts';
import { type Cursor, copy, move } from './walk.ts';

/** A product and where it begins. Several at once have blocks of the same sizes. */
export interface Begun {
  readonly plan: ContractPlan;
  readonly from: Cursor;
}

/** See `Kernel`. */
export const maskLocals = (f: FunctionBuilder): NonNullable<Kernel['mask']> => ({
  vector: f.local('v128', 'mask'),
  word: f.local('i32', 'mask'),
});

/**
 * `block` computes one partial sum of each product; `steps`: of the depth's last axis, where blocks differ. `more`: not 0
 * if all are added to what the outs hold.
 */
export function emitPartialSums(
  f: FunctionBuilder,
  mask: NonNullable<Kernel['mask']>,
  products: readonly Begun[],
  block: (cursors: readonly Cursor[], steps: Local<'i32'> | undefined) => void,
  more?: Local<'i32'>,
): void {
  const plans = products.map((p) => p.plan);
  const { blocks, depth, depthStep } = plans[0] as ContractPlan;
  const setMask = (bits: 0 | -1): void => {
    f.set(mask.vector, v128.constI32(bits));
    f.set(mask.word, i32.const(bits));
  };
  const one = (cursors: readonly Cursor[], steps?: Local<'i32'>): void => {
    block(cursors, steps);
    setMask(-1);
  };
  const inner = (cursors: readonly Cursor[]): void => {
    const { size } = depth.at(-1) as ByteAxis;
    if (depthStep >= size) {
      one(cursors);
      return;
    }
    const moving = cursors.map((c) => copy(f, c));
    inPieces(f, size, depthStep, (steps) => {
      one(moving, steps);
      moving.forEach((c, k) => {
        const { a, b } = inDepth(plans[k] as ContractPlan, 0);
        move(f, c, { a: depthStep * a, b: depthStep * b, out: 0 });
      });
    });
  };
  const nest = (level: number, cursors: readonly Cursor[]): void => {
    const axis = blocks[level];
    if (!axis) {
      inner(cursors);
      return;
    }
    const moving = cursors.map((c) => copy(f, c));
    f.times(axis.size, () => {
      nest(level + 1, moving);
      moving.forEach((c, k) => {
        move(f, c, { ...inDepth(plans[k] as ContractPlan, blocks.length - level), out: 0 });
      });
    });
  };
  if (more)
    f.if(
      f.get(more),
      () => setMask(-1),
      () => setMask(0),
    );
  else setMask(0);
  nest(
    0,
    products.map((p) => p.from),
  );
}

/** Bytes by which a step along the depth moves: its last axis (0), or blocks, counted from the innermost (1, 2, ...). */
function inDepth(plan: ContractPlan, level: number): { readonly a: number; readonly b: number } {
  const { blocks, depth, source, tile } = plan;
  const axis = (level === 0 ? depth.at(-1) : blocks[blocks.length - level]) as ByteAxis;
  if (source !== 'panels') return axis;
  const within = level === 0 ? [] : [...blocks.slice(blocks.length - level + 1), ...depth];
  return { a: axis.a, b: 4 * tile.columns * sizeOfAxes(within) };
}
