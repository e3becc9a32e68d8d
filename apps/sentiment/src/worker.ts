/**
 * The process behind one row of the table: reads its job, does it, says what came of it. A process of its own because
 * the peak of resident memory is a number per process. Started by compare.ts; knows no table.
 */
import process from 'node:process';
import { trainValidationSplit } from '@ostinato/datasets';
import { baseline } from './baseline.ts';
import { type Encoded, encode, readTexts } from './data.ts';
import { usageLine } from './errors.ts';
import type { Job, ToCommand, ToWorker } from './messages.ts';
import { progress } from './progress.ts';
import type { DataSummary } from './result.ts';
import { train, VALIDATION_SPLIT } from './train.ts';

const stop = new AbortController();
// A terminal sends Ctrl-C to every process of a command. Only the command decides; it tells this one by a message.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('message', ({ kind }: ToWorker) => kind === 'stop' && stop.abort());
// Without the command there is nobody to tell, but what was computed is still worth saving.
process.on('disconnect', () => stop.abort());

const tell = (message: ToCommand): void => {
  if (process.connected) process.send?.(message);
};

async function work({ row, settings, dataDir, folder }: Job): Promise<ToCommand> {
  const { signal } = stop;
  let download: ReturnType<typeof progress> | undefined;
  const texts = await readTexts(settings, {
    dataDir,
    signal,
    onDownload(bytes, total) {
      download ??= progress('download', total);
      download.update(bytes, `${Math.round(bytes / 2 ** 20)} MiB`);
    },
  }).finally(() => download?.stop());
  signal.throwIfAborted();
  const data = encode(texts, settings);
  tell({ kind: 'loaded', data: summary(data) });
  if (row === 'baseline') return { kind: 'baseline', result: baseline(texts, settings) };
  const result = await train({ cell: row, settings, data, folder, signal });
  return result === null ? { kind: 'stopped' } : { kind: 'trained', result };
}

function summary({ train, test, sha256 }: Encoded): DataSummary {
  const split = trainValidationSplit(train.ids.shape[0], VALIDATION_SPLIT);
  return {
    sha256,
    training: split.train.length,
    validation: split.validation.length,
    test: test.ids.shape[0],
  };
}

try {
  tell(await work(JSON.parse(process.argv[2] ?? '{}') as Job));
} catch (error) {
  const { aborted, reason } = stop.signal;
  const line = usageLine(error);
  if (aborted && error === reason) tell({ kind: 'stopped' });
  else if (line === undefined) throw error;
  else tell({ kind: aborted ? 'unsaved' : 'refused', line });
}
if (process.connected) process.disconnect();
