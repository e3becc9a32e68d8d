/**
 * Packing: panels of as many columns as a tile has, one step of the depth after another, zeros where the columns end.
 * Tiles then read b in one run. Knows strides; knows no arithmetic.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { f32, i32, type Value, v128 } from '../assembler/instructions.ts';
import { type Extras, need } from '../need.ts';
import type { ContractPlan } from './plan.ts';
import { overAxes } from './walk.ts';

type Address = Local<'i32'>;

/** Packs all of one operand of the instruction, if the plan has it packed as a whole. */
export function emitPack(
  f: FunctionBuilder,
  plan: ContractPlan,
  side: 'a' | 'b',
  buffers: readonly Address[],
  { to, extras }: { readonly to: Value<'i32'>; readonly extras?: Extras | undefined },
): void {
  if ((side === 'a' ? plan.packA : plan.packB) === 0) return;
  const from = f.let('from', i32.add(f.get(buffers[plan.b.buffer] as Address), plan.b.bytes));
  const panels = f.let('panels', to);
  const axes = [...plan.batch, ...plan.outerColumns]
    .filter((axis) => axis.b !== 0)
    .map(({ size, b, panels: out }) => ({ size, a: 0, b, out }));
  const depth = [...plan.blocks, ...plan.depth];
  overAxes(f, axes, { a: from, b: from, out: panels }, ({ b, out }) =>
    packMatrix(f, plan, {
      b,
      to: out,
      depth,
      steps: undefined,
      limit: lengthOf(depth),
      extras,
    }),
  );
}

/** Packs one block of the depth. `steps`: of the depth's last axis, where blocks differ. */
export function packBlock(
  f: FunctionBuilder,
  plan: ContractPlan,
  b: Address,
  { to, steps, extras }: Pick<Block, 'to' | 'steps' | 'extras'>,
): void {
  const { depth, depthStep } = plan;
  const limit = depth.length > 1 ? lengthOf(depth) : depthStep;
  packMatrix(f, plan, { b, to, depth, steps, limit, extras });
}

const lengthOf = (axes: ContractPlan['depth']): number => axes.reduce((n, a) => n * a.size, 1);

interface Block {
  readonly b: Address;
  readonly to: Address;
  readonly depth: ContractPlan['depth'];
  readonly steps: Address | undefined;
  /** Steps from one panel to the next. */
  readonly limit: number;
  readonly extras: Extras | undefined;
}

function packMatrix(f: FunctionBuilder, plan: ContractPlan, block: Block): void {
  const { columns, tile } = plan;
  const from = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  f.times(Math.floor(columns.size / tile.columns), () => {
    packPanel(f, plan, { ...block, b: from, to }, tile.columns);
    f.advance(from, tile.columns * columns.b);
    f.advance(to, 4 * tile.columns * block.limit);
  });
  const tail = columns.size % tile.columns;
  if (tail > 0) packPanel(f, plan, { ...block, b: from, to }, tail);
}

/** Part of a panel: `width` columns of b, and zeros up to the panel's. */
export interface Strip {
  readonly from: Address;
  readonly to: Address;
  readonly width: number;
  readonly panel: number;
  /** Bytes from one column of b to the next. */
  readonly across: number;
  /** The last axis of the depth; `steps` of it, where blocks differ. */
  readonly inner: ContractPlan['depth'][number];
  readonly steps: Address | undefined;
}

function packPanel(f: FunctionBuilder, plan: ContractPlan, block: Block, width: number): void {
  const { columns, tile } = plan;
  const { depth, steps } = block;
  const inner = depth.at(-1) as Strip['inner'];
  const from = f.let('from', f.get(block.b));
  const to = f.let('to', f.get(block.to));
  const strip: Strip = { from, to, width, panel: tile.columns, across: columns.b, inner, steps };
  const nest = (k: number): void => {
    const axis = depth[k] as Strip['inner'];
    const next = depth[k + 1];
    if (next)
      f.times(axis.size, () => {
        nest(k + 1);
        f.advance(from, axis.b - next.size * next.b);
      });
    else if (columns.b === 4) packDense(f, strip);
    else need(block.extras).packApart(f, strip);
  };
  nest(0);
}

/** Columns side by side. */
function packDense(f: FunctionBuilder, strip: Strip): void {
  const { from, to, width, panel, inner, steps } = strip;
  f.times(steps ? f.get(steps) : inner.size, () => {
    for (let c = 0; c < panel; c += 4) {
      if (c + 4 <= width) f.store('v128.store', f.get(to), v128.load(f.get(from), 4 * c), 4 * c);
      else
        for (let k = c; k < c + 4; k++) {
          const x = k < width ? f32.load(f.get(from), 4 * k) : f32.const(0);
          f.store('f32.store', f.get(to), x, 4 * k);
        }
    }
    f.advance(from, inner.b);
    f.advance(to, 4 * panel);
  });
}
