/** What a bench file does with its cases: measure those that are asked for, and print. */
import {
  type Case,
  compare,
  fastestOf,
  nameOf,
  type Pass,
  quick,
  type Result,
  resultOf,
} from './compare.ts';
import { foreignLoad, loadNote } from './machine.ts';
import { NO_CASE, parseOptions } from './options.ts';
import { jsonLines, misses, table } from './report.ts';

/**
 * Runs the cases that `--case` names. `notes` are printed under the table. A case that fails is reported and the others
 * run on.
 */
export async function runCases(all: readonly Case[], notes: readonly string[]): Promise<void> {
  const { options } = parseOptions(process.argv.slice(2));
  const cases = all.filter((c) => nameOf(c).includes(options.case));
  if (cases.length === 0) {
    process.exitCode = NO_CASE;
    return;
  }
  const busy = await foreignLoad();
  const passes = new Map(cases.map((c): [Case, Pass[]] => [c, []]));
  for (let pass = 0; pass < options.passes; pass++) {
    for (const [c, done] of passes) {
      try {
        done.push(await compare(c, options.rounds, options.quick ? quick : undefined));
      } catch (error) {
        complain((error as Error).message);
        passes.delete(c);
      }
    }
  }
  const fastest = fastestOf([...passes.values()].flat());
  const results = [...passes].map(([c, done]) => resultOf(c, done as [Pass, ...Pass[]], fastest));
  if (results.length === 0) return;
  if (!options.json) {
    console.log(`${table(results)}\n`);
    for (const note of [...notes, ...said(results), ...readingNotes(busy)])
      console.log(`- ${note}`);
    console.log('');
  }
  for (const line of results.flatMap(jsonLines)) console.log(line);
  for (const miss of misses(results)) complain(miss);
}

function complain(what: string): void {
  console.error(`bench: ${what}`);
  process.exitCode = 1;
}

/** What each side says of itself, once. */
function said(results: readonly Result[]): string[] {
  const lines = results.flatMap(({ about }) =>
    Object.entries(about).flatMap(([side, text]) => (text ? [`${side}: ${text}`] : [])),
  );
  return [...new Set(lines)];
}

const readingNotes = (busy: number): string[] => [
  'ms: median of the calm slices: other processes used less than 0.35 of a core, and neighbours on the host left the core and the caches alone before and after; ~: of the least disturbed third',
  'of peak: of what multiply-adds in registers reach, taking turns with the sides',
  'cpu ms: median CPU time of all slices, which a busy machine disturbs least',
  loadNote(busy),
];
