/** A training on WebGPU that does not end by itself, for pages and workers that are to end in the middle of it. */
import { webgpu } from '@ostinato/backend-webgpu';
import { lstm, recurrent } from '@ostinato/cells';
import { fit, meanSquaredError, sgd } from '@ostinato/training';

const [rows, time, inputs, units] = [16, 8, 3, 16];

/** Says each step that was done. Rejects with what ends it. */
export async function trainForEver(each: (step: number) => void): Promise<never> {
  const backend = await webgpu({ allowSoftware: true, schedule: 'persistent' });
  const model = recurrent(lstm({ inputs, units }), { returns: 'last' });
  const data = {
    inputs: { data: new Float32Array(rows * time * inputs).fill(0.5), shape: [rows, time, inputs] },
    targets: { data: new Float32Array(rows * units), shape: [rows, units] },
  };
  const options = { backend, optimizer: sgd({ learningRate: 1e-3 }), loss: meanSquaredError };
  for await (const event of fit(model, data, { ...options, epochs: 1e9, batch: rows }))
    if (event.type === 'step') each(event.step);
  throw new Error('a billion epochs have passed');
}
