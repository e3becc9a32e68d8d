// `pnpm bench [name...] [options]`: runs the files <name>.bench.ts of this folder one after the other.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { NO_CASE, parseOptions, usage } from './harness/options.ts';

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
  const results = (names.length > 0 ? names : all).map((name) => {
    if (!options.json) console.log(`# ${name}`);
    const file = `${dir}/${name}${SUFFIX}`;
    return spawnSync(process.execPath, [file, ...passed], { stdio: 'inherit' }).status;
  });
  if (results.every((status) => status === NO_CASE))
    throw new RangeError(`no case has "${options.case}" in its name`);
  return results.every((status) => status === 0 || status === NO_CASE) ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${usage}`);
  process.exitCode = 2;
}
