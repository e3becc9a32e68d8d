/** What follows from the options of a run before anything is computed: rows, batches, keys. Knows no backend. */
import { checkOptions, fail, type Key, tensor } from '@ostinato/core';
import { type HostKey, hostKey, splitKey } from '@ostinato/core/random';
import { batches, trainValidationSplit } from '@ostinato/datasets';
import type { RunIdentity } from '../checkpoint/checkpoint.ts';
import { countRows, type TrainingData } from '../data.ts';
import { orderOf, type Rows } from '../evaluate.ts';
import type { Model } from '../model.ts';
import {
  requireKnown,
  requireMeasured,
  requireMethods,
  requireModel,
  requireWhole,
} from '../require.ts';
import { requireClip } from '../training-step.ts';
import type { FitOptions } from './options.ts';

/** Options with their defaults, and what follows from them. */
export interface Plan<X> {
  readonly identity: RunIdentity;
  readonly validation: Rows<X> | null;
  readonly stepsPerEpoch: number;
  readonly keys: { readonly init: Key; readonly order: HostKey; readonly step: Key };
}

export function planOf<P, X>(
  model: Model<P, X>,
  data: TrainingData<X>,
  options: FitOptions<P, X>,
): Plan<X> {
  requireModel('fit', model);
  requireKnown('fit', options);
  const { batch = 32, seed = 0, shuffle = true, validation, validationSplit } = options;
  requireMeasured('fit', options);
  requireMethods(
    'fit: optimizer',
    options.optimizer,
    ['init', 'update'],
    'what adam() or sgd() returns',
  );
  requireClip(options.clip);
  if (options.checkpoint !== undefined) {
    checkOptions('fit: checkpoint', options.checkpoint, 'store, name, everySteps, resume');
    requireMethods(
      'fit: checkpoint.store',
      options.checkpoint.store,
      ['read', 'write', 'remove'],
      'a store, such as memoryStore()',
    );
  }
  requireWhole('fit: epochs', options.epochs);
  requireWhole('fit: batch', batch);
  requireWhole('fit: seed', seed, 0);
  requireWhole('fit: every', options.every ?? 1);
  requireWhole('fit: checkpoint.everySteps', options.checkpoint?.everySteps ?? 1);
  const count = countRows(data);
  const validationRows = validation === undefined ? 0 : countRows(validation);
  if (!('targets' in data))
    fail('data-invalid', 'fit: data has no targets. Give { inputs, targets }.');
  if (validation && !('targets' in validation))
    fail('data-invalid', 'fit: validation has no targets. Give { inputs, targets }.');
  if (validation && validationSplit !== undefined)
    fail('option-invalid', 'fit: got validation and validationSplit. Give one of them.');
  const split = validationSplit === undefined ? null : trainValidationSplit(count, validationSplit);
  const rows = split ? split.train.length : count;
  const held = split ? split.validation : null;
  const [init, order, step] = splitKey(hostKey(seed), 3) as [HostKey, HostKey, HostKey];
  return {
    identity: {
      seed,
      batch,
      rows,
      validationRows: held ? held.length : validationRows,
      shuffle,
      optimizer: options.optimizer.name ?? null,
    },
    validation: validation
      ? { data: validation, indices: orderOf(validationRows, batch) }
      : held && {
          data,
          indices: orderOf(held.length, batch).map((part) => part.map((i) => held[i] as number)),
        },
    stepsPerEpoch: Math.ceil(rows / batch),
    keys: { init: keyOf(init), order, step: keyOf(step) },
  };
}

const keyOf = (words: HostKey): Key => tensor({ data: Uint32Array.from(words), shape: [2] });

/** The batches of an epoch (from 0), as row numbers. */
export function epochOrder(
  plan: Pick<Plan<unknown>, 'identity' | 'keys'>,
  epoch: number,
): Uint32Array[] {
  const { rows, batch: size, shuffle } = plan.identity;
  return batches(rows, { size, key: shuffle ? plan.keys.order : null, epoch });
}
