/** Writes checkpoints in a loop until it is killed, each a little larger than the one before, and says how far it is. */
import { decodeSafetensors, encodeSafetensors } from '../../src/index.ts';
import { fileStore } from '../../src/node.ts';

const store = fileStore(process.argv[2] as string);
const before = await store.read('run');
let count = before ? Number(decodeSafetensors(before, 'run').metadata.count) : 0;
for (;;) {
  count++;
  const data = new Float32Array(200_000 + count * 997).fill(count);
  const tensors = { x: { data, shape: [data.length], dtype: 'float32' as const } };
  await store.write('run', encodeSafetensors({ tensors, metadata: { count: String(count) } }));
  process.stdout.write(`${count}\n`);
}
