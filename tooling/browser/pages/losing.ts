/** Trains until the GPU is taken away, says what the training said, and then computes on a new device. */
import { webgpu } from '@ostinato/backend-webgpu';
import { runCases, send } from '../report.ts';
import { trainForEver } from '../training.ts';

await send(async () => {
  const ended = await trainForEver((step) => console.log(`step ${step}`)).catch((error) => error);
  const facts = { code: ended.code, message: ended.message };
  return { facts, ...(await runCases(() => webgpu({ allowSoftware: true }), 'contracts')) };
});
