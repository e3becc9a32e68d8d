/** How many threads there are here, who leads them, and which work is theirs. */

import { fail } from '@ostinato/core/backend';
import type { Threads } from '../target.ts';
import { inTurn, sharesOf } from './control.ts';
import { mayWait, noThreads, parallelism } from './host.ts';
import { openLead } from './lead.ts';
import { operationsOf, partsOf } from './parts.ts';
import { openPool } from './pool.ts';

const MOST_THREADS = 4;
/** So much less pays where nobody has to be woken: meeting takes a microsecond then. */
const AWAKE = 4;

export interface Wish {
  /** How many; chosen by the machine unless stated. */
  readonly count: number | undefined;
  /** Operations of an instruction from which on several pay. */
  readonly from: number;
  /** Whether a worker leads; where this thread must not wait, unless stated. */
  readonly led: boolean | undefined;
}

/** What there is, in a word for people too; undefined: one thread. */
export function chooseThreads(wish: Wish): { readonly threads?: Threads; readonly note: string } {
  const { from } = wish;
  if (!(from >= 0))
    fail('option-invalid', `wasm: threadsFrom is ${from}. Give a number of operations from 0 up.`);
  const { count = Math.min(MOST_THREADS, parallelism()), led = !mayWait() } = wish;
  const why = noThreads();
  if (count === 1 || why !== undefined) return { note: `1${count > 1 ? ` (${why})` : ''}` };
  const shared: Pick<Threads, 'count' | 'partsOf' | 'alone'> = {
    count,
    partsOf(i, awake) {
      const parts = partsOf(i, awake ? from / AWAKE : from);
      return parts && { ...parts, shares: sharesOf(parts.count, count) };
    },
    alone: (kernel, args, parts) => inTurn(kernel, args, parts, count),
  };
  if (!led)
    return {
      threads: {
        ...shared,
        worth: ({ code }) => code.some((i) => partsOf(i, from)),
        start: (heap) => openPool(heap, count),
      },
      note: `${count}`,
    };
  return {
    threads: {
      ...shared,
      // A thread that must not wait for others must not compute for long either, whether there are parts or not.
      worth: (program) => operationsOf(program) >= from,
      start: (heap) => openLead(heap, count),
    },
    note: `${count}, led by a worker`,
  };
}
