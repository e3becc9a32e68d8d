// `pnpm bench [name...] [options]`: runs the files <name>.bench.ts of this folder one after the other.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { NO_CASE, parseOptions, usage } from './harness/options.ts';

const dir = import.meta.dirname;
const SUFFIX = '.bench.ts';

async function main(args: readonly string[]): Promise<number> {
  const all = readdirSync(dir)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
  const { names, options } = parseOptions(args);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new RangeError(`no bench "${unknown.join(' ')}"`);
  const { rounds, passes } = options;
  const passed = [`--case=${options.case}`, `--rounds=${rounds}`, `--passes=${passes}`];
  if (options.quick) passed.push('--quick');
  if (options.json) passed.push('--json');
  const results: (number | null)[] = [];
  for (const name of names.length > 0 ? names : all) {
    if (!options.json) console.log(`# ${name}`);
    results.push(await run(`${dir}/${name}${SUFFIX}`, passed));
  }
  if (results.every((status) => status === NO_CASE))
    throw new RangeError(`no case has "${options.case}" in its name`);
  return results.every((status) => status === 0 || status === NO_CASE) ? 0 : 1;
}

/** Its exit status. What ends this process ends the bench, whose sides end with it, and no other one begins. */
async function run(file: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
  const end = (signal: NodeJS.Signals): void => {
    child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  const [status] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', end).off('SIGTERM', end);
  return status;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${usage}`);
  process.exitCode = 2;
}
