/** Ends a worker in the middle of its training, and then computes itself. */
import { webgpu } from '@ostinato/backend-webgpu';
import { runCases, send } from '../report.ts';

await send(async () => {
  const worker = new Worker('endless.js', { type: 'module' });
  const steps = await new Promise<number>((resolve, reject) => {
    worker.onmessage = ({ data }) => data === 3 && resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.terminate();
  const facts = { steps };
  return { facts, ...(await runCases(() => webgpu({ allowSoftware: true }), 'contracts')) };
});
