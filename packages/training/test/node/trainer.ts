/**
 * Trains with a checkpoint after each step, going on from the last; says each step, and at the end where it began and its
 * bits. Told a step, it waits there to be killed: a busy machine that kills late finds it still running.
 */
import { cpu } from '@ostinato/backend-cpu';
import { crc32c } from '../../src/checkpoint/crc32c.ts';
import { adam, encodeParams, fit } from '../../src/index.ts';
import { fileStore } from '../../src/node.ts';
import { loss, mlp, points } from '../models.ts';

const [folder, until] = process.argv.slice(2) as [string, string];
const checkpoint = { store: fileStore(folder), everySteps: 1, resume: true };
const options = { backend: cpu(), optimizer: adam(), loss, checkpoint, epochs: 12, batch: 8 };
let from = 0;
for await (const event of fit(mlp, points(64), { ...options, validationSplit: 0.25 })) {
  if (event.type === 'start') from = event.resumed?.step ?? 0;
  if (event.type === 'checkpoint') {
    process.stdout.write(`step ${event.step}\n`);
    if (event.step === Number(until)) await new Promise(() => setInterval(() => {}, 1000));
  }
  if (event.type === 'done') {
    const bits = crc32c(encodeParams(event.last.params)).toString(16);
    process.stdout.write(`resumed at ${from}\n${bits}\n`);
  }
}
