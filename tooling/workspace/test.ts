// `pnpm test`: every package's tests through turbo, then one line with the sum.
//   pnpm test                         all, replaying what did not change
//   pnpm test --filter=@ostinato/core further arguments go to turbo
// With CI set nothing is replayed.
import { spawnSync } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readReport, summary } from './counts.ts';

const REPORTS = ['{packages,apps,tooling}/*/.vitest/results.json', 'examples/.vitest/results.json'];

for (const file of globSync(REPORTS)) rmSync(file); // turbo brings back those that it replays

const force = process.env.CI ? ['--force'] : [];
const cores = `--concurrency=${availableParallelism()}`;
const args = ['run', 'test', '--continue', '--output-logs=new-only', cores, ...force];
const turbo = spawnSync('turbo', [...args, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
});
if (turbo.error) console.error(`test: turbo did not start: ${turbo.error.message}`);

const { lines, ok } = summary(globSync(REPORTS).sort().map(readReport));
console.log(lines.join('\n'));
process.exitCode = ok ? (turbo.status ?? 1) : 1;
