/** What programs read: every JSON line of every bench has the same keys, whatever else it has. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const main = new URL('../main.ts', import.meta.url).pathname;

// The benches that measure something else than a throughput, and so write their own lines.
test.each([
  ['wasm-start', 'wasm-start/lstm/training best'],
  ['wasm-linear', 'memory-in-time'],
])('%s', (name, part) => {
  const said = execFileSync(
    process.execPath,
    [main, name, '--case', part, '--rounds', '1', '--json'],
    { encoding: 'utf8', timeout: 60_000 },
  );
  const lines = said.trimEnd().split('\n');
  const keys = ['case', 'cell', 'mode', 'shape', 'threads', 'backend', 'variant', 'ms'];
  for (const line of lines)
    expect(Object.keys(JSON.parse(line))).toEqual(
      expect.arrayContaining([...keys, 'gflops', 'peakGflops', 'peers']),
    );
});
