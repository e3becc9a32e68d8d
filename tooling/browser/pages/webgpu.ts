/** WebGPU where this runs, a page's thread or a worker: the cases that the search names, by one schedule of time loops. */
import { webgpu } from '@ostinato/backend-webgpu';
import { runCases, send } from '../report.ts';

const { searchParams } = new URL(location.href);
const schedule = searchParams.get('schedule') === 'stepwise' ? 'stepwise' : 'persistent';

await send(async () => ({
  facts: { document: typeof document },
  ...(await runCases(
    () => webgpu({ allowSoftware: true, schedule }),
    searchParams.get('only') ?? '',
  )),
}));
