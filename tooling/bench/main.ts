// `pnpm bench [name...] [options]`: runs the files <name>.bench.ts of this folder one after the other.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { parseOptions, usage } from './harness/options.ts';

const dir = import.meta.dirname;
const SUFFIX = '.bench.ts';

function main(args: readonly string[]): number {
  const all = readdirSync(dir)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
  const { names, options } = parseOptions(args);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new RangeError(`no bench "${unknown.join(' ')}"`);
  const passed = [`--case=${options.case}`, `--rounds=${options.rounds}`];
  if (options.quick) passed.push('--quick');
  if (options.json) passed.push('--json');
  let status = 0;
  for (const name of names.length > 0 ? names : all) {
    if (!options.json) console.log(`# ${name}`);
    const run = spawnSync(process.execPath, [`${dir}/${name}${SUFFIX}`, ...passed], {
      stdio: 'inherit',
    });
    if (run.status !== 0) status = 1;
  }
  return status;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${usage}`);
  process.exitCode = 2;
}
