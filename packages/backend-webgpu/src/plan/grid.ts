/** Instructions as dispatches of their own: over the whole grid, once or once per step. Knows plans; knows no device. */
import {
  contractAsLoop,
  type Instr,
  type Loop,
  type Operand,
  type Scan,
} from '@ostinato/core/backend';
import { emitLoop } from '../kernels/loop.ts';
import { emitProduct, productOf, productUses } from '../kernels/product.ts';
import { emitSharedProduct, SHARED_THREADS, suitsSharing } from '../kernels/shared-product.ts';
import type { Context } from '../kernels/space.ts';
import { emitClearLinks, emitGather, emitLinks, emitSums, type Links } from '../kernels/table.ts';
import type { Clock, StoragePlace } from '../wgsl/place.ts';
import { KernelWriter, type Use } from '../wgsl/writer.ts';
import type { Dispatch, Machine } from './plan.ts';
import { inSlots, type Scope, type Scratch } from './scope.ts';

/** As it shows in timings and error messages. */
function labelOf(instr: Exclude<Instr, Scan>): string {
  const over = 'over' in instr && instr.over.length > 0 ? ` over [${instr.over}]` : '';
  return `${instr.kind} [${instr.shape}]${over}`;
}

export function gridDispatches(
  given: Exclude<Instr, Scan>,
  scope: Scope,
  machine: Machine,
  scratch: Scratch,
): Dispatch[] {
  const instr = inSlots(scope.program, given);
  const uses = (operands: readonly Operand[], write: boolean): Use[] =>
    operands.map((o) => ({ buffer: scope.place(o.slot).buffer, dtype: o.dtype, write }));
  const dispatch = (
    label: string,
    touched: readonly Use[],
    emit: (w: KernelWriter, context: Context) => number,
    threads: number = machine.threads,
  ): Dispatch => {
    const w = new KernelWriter({ ...machine, threads }, touched);
    const clock: Clock = (level = scope.depth - 1) => w.clock(level);
    const parts = machine.software ? 1 : 4;
    const context: Context = { place: scope.place, clock, space: { kind: 'grid', parts } };
    const workgroups = emit(w, context);
    return { kind: 'dispatch', label, kernel: w.kernel(), workgroups };
  };
  const touchedBy = ({ args, outs }: Pick<typeof instr, 'args' | 'outs'>): Use[] => [
    ...uses(args, false),
    ...uses(outs, true),
  ];
  const all = touchedBy(instr);
  const label = labelOf(instr);
  switch (instr.kind) {
    case 'loop':
      return partsOf(instr, machine).map((part) =>
        dispatch(label, touchedBy(part), (w, c) => emitLoop(w, part, c)),
      );
    case 'contract': {
      const product = productOf(instr, scope.place);
      // With a vector it is a reduction.
      if (!product) return [dispatch(label, all, (w, c) => emitLoop(w, contractAsLoop(instr), c))];
      const touched = productUses(product, scope.place);
      if (machine.software || !suitsSharing(product))
        return [dispatch(label, touched, (w, c) => emitProduct(w, product, c))];
      return [dispatch(label, touched, (w, c) => emitSharedProduct(w, product, c), SHARED_THREADS)];
    }
    case 'gather':
      return [dispatch(label, all, (w, c) => emitGather(w, instr, c))];
    case 'scatter':
      return scratch.within(() => {
        const links: Links = {
          first: scratch.reserve(instr.rows),
          last: scratch.reserve(instr.rows),
          next: scratch.reserve(instr.shape[0]),
        };
        const word = (place: StoragePlace, write: boolean): Use => ({
          buffer: place.buffer,
          dtype: 'uint32',
          write,
        });
        const index = uses([instr.args[1]], false);
        const { first, last, next } = links;
        return [
          dispatch('scatter: clear', [word(first, true), word(last, true)], (w, c) =>
            emitClearLinks(w, instr, links, c),
          ),
          dispatch(
            'scatter: links',
            [...index, ...[first, last, next].map((place) => word(place, true))],
            (w, c) => emitLinks(w, instr, links, c),
            machine.tileThreads,
          ),
          dispatch(
            'scatter: sums',
            [
              ...uses([instr.args[0]], false),
              ...uses(instr.outs, true),
              word(first, false),
              word(next, false),
            ],
            (w, c) => emitSums(w, instr, links, c),
          ),
        ];
      });
  }
}

/** A reduction of more values than fit workgroup memory, where threads meet, comes in parts. */
function partsOf(loop: Loop, { workgroupBytes, threads }: Machine): Loop[] {
  const most = Math.floor(workgroupBytes / (4 * threads));
  if (loop.over.length === 0 || loop.outs.length <= most) return [loop];
  const part = (from: number): Loop => ({
    ...loop,
    body: loop.body.slice(from, from + most),
    outs: loop.outs.slice(from, from + most),
  });
  return Array.from({ length: Math.ceil(loop.outs.length / most) }, (_, k) => part(k * most));
}
