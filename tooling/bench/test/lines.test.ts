/** What programs read: every JSON line of every bench has the same keys, whatever else it has. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const main = join(import.meta.dirname, '../main.ts');

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

test('a name that no case has is refused, by every bench', () => {
  // Those without peers: others install theirs first.
  const args = [main, 'wasm-start', 'wasm-linear', '--case', 'nonsense'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toContain('no case has "nonsense" in its name');
  expect(status).toBe(2);
});
