/** What a bench file does with its cases: measure those that are asked for, and print. */
import { availableParallelism } from 'node:os';
import { type Case, compare, nameOf, type Result } from './compare.ts';
import { foreignLoad, scalarPeak } from './machine.ts';
import { parseOptions } from './options.ts';
import { jsonLine, misses, table } from './report.ts';

/** Runs the cases that `--case` names. `notes` are printed under the table. */
export async function runCases(all: readonly Case[], notes: readonly string[]): Promise<void> {
  const { options } = parseOptions(process.argv.slice(2));
  const cases = all.filter((c) => nameOf(c).includes(options.case));
  if (cases.length === 0) return;
  const busy = await foreignLoad();
  const peak = scalarPeak();
  const results: Result[] = [];
  for (const c of cases) results.push(await compare(c, options.rounds));
  if (!options.json) {
    console.log(`${table(results)}\n`);
    const other = `other processes used ${busy.toFixed(2)} of ${availableParallelism()} cores at the start`;
    const counted =
      'ms: median of the slices in which others used less than 0.35 of a core; ~: of the least disturbed third';
    const cpu = 'cpu ms: median CPU time of all slices, which a busy machine disturbs least';
    for (const note of [...notes, counted, cpu, other]) console.log(`- ${note}`);
    console.log('');
  }
  for (const result of results) console.log(jsonLine(result, peak));
  for (const miss of misses(results)) {
    console.error(`bench: ${miss}`);
    process.exitCode = 1;
  }
}
