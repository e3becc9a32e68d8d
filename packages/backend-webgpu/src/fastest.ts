/**
 * Chooses between several plans of one program by the time that each takes here. Programs are pure, and what they take
 * does not depend on values: so each runs on zeros, in memory of its own. Knows executables; knows no kernel.
 */
import { bytesPerElement, type Program, type Ref } from '@ostinato/core/backend';
import { type Device, makeExecutable } from './executable.ts';
import type { GpuBuffer } from './memory.ts';
import type { Plan } from './plan/plan.ts';

/** Of the runs that count, each. The first one is not among them: it has costs of its own. */
const ROUNDS = 3;

export interface Stopwatch {
  /** Settles when all that was started is done. */
  done(): Promise<unknown>;
  /** Milliseconds. */
  now(): number;
}

/** What each takes at its fastest, in milliseconds. They run by turns, so that a busy moment meets all of them. */
export async function measure(
  runs: readonly (() => void)[],
  { done, now }: Stopwatch,
): Promise<number[]> {
  const fastest = runs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round <= ROUNDS; round++)
    for (const [k, run] of runs.entries()) {
      await done();
      const start = now();
      run();
      await done();
      if (round > 0) fastest[k] = Math.min(fastest[k] as number, now() - start);
    }
  return fastest;
}

type Made = Awaited<ReturnType<typeof makeExecutable>>;

/** The executable of the fastest plan, and how long all of them took, in the order of the plans. */
export async function makeFastest(
  device: Device,
  program: Program,
  plans: readonly Plan[],
): Promise<{ readonly executable: Made; readonly ms: readonly number[] }> {
  const { memory, health } = device;
  const made: Made[] = [];
  // A slot that is an input and an output is one buffer.
  const refs = new Map<number, Ref<GpuBuffer>>();
  let best: Made | undefined;
  try {
    for (const plan of plans) made.push(await makeExecutable(device, program, plan));
    for (const slot of new Set([...program.inputs, ...program.outputs])) {
      const { size, dtype } = program.slots[slot] as Program['slots'][number];
      const buffer = memory.alloc(size * bytesPerElement[dtype], 'measuring');
      refs.set(slot, { buffer, offset: 0 });
    }
    const given = (slots: readonly number[]) =>
      slots.map((slot) => refs.get(slot) as Ref<GpuBuffer>);
    const [inputs, outputs] = [given(program.inputs), given(program.outputs)];
    const runs = made.map((executable) => () => executable.run(inputs, outputs));
    const { queue } = device.device;
    const ms = await measure(runs, {
      done: () => queue.onSubmittedWorkDone(),
      now: () => performance.now(),
    });
    health.check('compile');
    best = made[ms.indexOf(Math.min(...ms))] as Made;
    return { executable: best, ms };
  } finally {
    for (const { buffer } of refs.values()) memory.free(buffer);
    for (const executable of made) if (executable !== best) executable.dispose();
  }
}
