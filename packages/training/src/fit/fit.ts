/**
 * Training as an async iterator of events: the caller pulls, so pausing is not pulling and stopping is breaking.
 *
 * What a step computes depends on (seed, step) and what it sees on (seed, epoch), never on how often the loop was
 * stopped: an interrupted run resumes to the same bits.
 */
import type { TrainingData } from '../data.ts';
import type { Model } from '../model.ts';
import { isAbort } from '../signal.ts';
import type { Metrics } from '../totals.ts';
import type { FitEvent } from './events.ts';
import type { FitOptions } from './options.ts';
import { planOf } from './plan.ts';
import { type Given, Session } from './session.ts';

/**
 * Trains a model. Options and data that do not fit are refused by the call itself; the work begins when the first event is
 * pulled. When the loop ends, breaks, is aborted or throws, everything that it made on the backend is disposed. What events
 * hand out lives on the host.
 *
 * @example
 * for await (const event of fit(model, data, { backend, optimizer: adam(), loss: binaryCrossEntropy, epochs: 10 })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss, event.validation?.loss);
 * }
 */
export function fit<P, X, M extends Metrics = Metrics>(
  model: Model<P, X>,
  data: TrainingData<X>,
  options: FitOptions<P, X, M>,
): AsyncGenerator<FitEvent<P, M>, void, void> {
  const events = eventsOf({ model, data, options, plan: planOf(model, data, options) });
  return events as AsyncGenerator<FitEvent<P, M>, void, void>; // its records are made of the metrics' names
}

async function* eventsOf<P, X>(given: Given<P, X>): AsyncGenerator<FitEvent<P>, void, void> {
  const session = await Session.open(given);
  let outcome: 'stopped' | 'failed' | 'done' = 'stopped';
  try {
    yield* session.events();
    outcome = 'done';
  } catch (e) {
    if (!isAbort(e, given.options.signal)) outcome = 'failed';
    throw e;
  } finally {
    try {
      if (outcome === 'stopped') await session.save();
    } finally {
      session.dispose();
    }
  }
}
