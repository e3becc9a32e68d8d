/** Bytes that a training step takes beyond its inputs and outputs, by the number of time steps. */
import { lstm, recurrent } from '@ostinato/cells';
import {
  compile,
  dispose,
  explain,
  key,
  mean,
  mul,
  run,
  type Tensor,
  valueAndGrad,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';

export interface MemoryCase {
  readonly batch: number;
  readonly time: number;
  readonly units: number;
  /** Segments of about the square root of the length, of which only the ends are kept. */
  readonly checkpoint: boolean;
}

/** Of an LSTM whose last output counts: scratch, as `explain` says. */
export async function scratchOf(
  backend: Backend,
  { batch, time, units, checkpoint }: MemoryCase,
): Promise<number> {
  const how = checkpoint ? { checkpoint: true as const } : {};
  const layer = recurrent(lstm({ inputs: units, units }), { returns: 'last' });
  const params = await run(backend, layer.init(key(1)));
  const train = compile(backend, (p: typeof params, x: Tensor) =>
    valueAndGrad((q: typeof params) => {
      const y = layer.apply(q, x, how);
      return mean(mul(y, y));
    })(p),
  );
  const x = { data: new Float32Array(batch * time * units), shape: [batch, time, units] };
  dispose(await train(params, x as never));
  const scratch = /(\d+) scratch/.exec(explain(train))?.[1];
  dispose(params);
  train.dispose();
  if (scratch === undefined) throw new Error('memory: explain says no scratch');
  return Number(scratch);
}
