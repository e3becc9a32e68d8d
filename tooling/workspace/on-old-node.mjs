// Runs beside installed packages on the oldest Node that they promise, hence no TypeScript: loads the entries that it is
// given, and runs the quick conformance cases of the built backends. Prints one line per backend; fails where an entry does
// not load or a case is not right.
import { cpu } from '@ostinato/backend-cpu';
import { conformanceCases } from '@ostinato/backend-testing/cases';
import { wasm } from '@ostinato/backend-wasm';

const entries = process.argv.slice(2);
for (const entry of entries) await import(entry);
console.log(`  ${entries.length} entries load`);

const backends = {
  cpu: () => cpu(),
  'wasm, 1 thread': () => wasm({ threads: 1 }),
  'wasm, 2 threads': () => wasm({ threads: 2, threadsFrom: 0 }),
};

for (const [name, create] of Object.entries(backends)) {
  const opened = await create();
  const notes = opened.info().notes?.join('; ') ?? opened.info().variant;
  opened.dispose();
  const failed = [];
  const cases = conformanceCases({ size: 'quick' });
  for (const { name, run } of cases)
    await run(create).catch((error) => failed.push(`${name}: ${error.message}`));
  console.log(`  ${name}: ${cases.length - failed.length} of ${cases.length} cases (${notes})`);
  for (const line of failed) console.error(line);
  if (failed.length > 0) process.exitCode = 1;
}
