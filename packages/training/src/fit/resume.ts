/** Going on from a checkpoint, or refusing it. Knows stores and what must agree between two runs. */
import { fail } from '@ostinato/core';
import {
  type Checkpoint,
  decodeCheckpoint,
  type RunIdentity,
  type RunRecord,
} from '../checkpoint/checkpoint.ts';
import { classOf } from '../require.ts';
import type { TrainingState } from '../training-step.ts';
import type { CheckpointOptions, FitOptions } from './options.ts';
import type { Plan } from './plan.ts';

export const nameOf = (options: CheckpointOptions): string => options.name ?? 'checkpoint';

/** The checkpoint to go on from; null where none is wanted or there is none. */
export async function resumeFrom<P, X>(
  fresh: TrainingState<P>,
  plan: Plan<X>,
  { checkpoint, epochs }: FitOptions<P, X>,
): Promise<Checkpoint | null> {
  if (!checkpoint) return null;
  const name = nameOf(checkpoint);
  const file: unknown = await checkpoint.store.read(name);
  // Asked for in any case: a store that cannot take the name says so before an epoch is computed.
  if (!checkpoint.resume || file === null || file === undefined) return null; // undefined, as a Map says it
  // Not `instanceof`: bytes may come from another realm.
  if (!ArrayBuffer.isView(file))
    return fail(
      'option-invalid',
      `fit: checkpoint.store.read gave a ${classOf(file)} for "${name}". Give a Uint8Array, or null where there is none.`,
    );
  const found = decodeCheckpoint(file as Uint8Array, name, { state: fresh, params: fresh.params });
  for (const [key, want] of Object.entries(plan.identity)) {
    const got = found.record.run[key as keyof RunIdentity];
    // What a file does not say was not kept when it was written.
    if (got !== undefined && got !== want)
      fail(
        'checkpoint-mismatch',
        `${name}: was written by a run with ${key} ${got}, this one has ${want}. Make them equal, or start anew under another name (options.params takes the parameters of the old run).`,
      );
  }
  const { step, history } = found.record;
  // Parameters of a part of an epoch would be told as the last whole one's.
  if (history.length >= epochs && step > history.length * plan.stepsPerEpoch)
    fail(
      'checkpoint-mismatch',
      `${name}: is in the middle of epoch ${history.length + 1}, and this run has ${epochs}. Give epochs of at least ${history.length + 1}, or take the parameters as they are with decodeParams.`,
    );
  return found;
}

/** What to warn of when a run goes on from this record. */
export function differences<P, X>(record: RunRecord, { backend }: FitOptions<P, X>): string[] {
  const { name, variant } = backend.info();
  const before = record.backend;
  if (before.name === name && before.variant === variant) return [];
  return [
    `The checkpoint was written on ${before.name} (${before.variant}), this run goes on on ${name} (${variant}): from here on the numbers may differ in their last bits.`,
  ];
}
