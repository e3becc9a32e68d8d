// `pnpm bench [name...]`: runs the files <name>.bench.ts of this folder one after the other.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const dir = import.meta.dirname;
const SUFFIX = '.bench.ts';
const all = readdirSync(dir)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));

if (unknown.length > 0 || all.length === 0) {
  const what = unknown.length > 0 ? `no bench "${unknown.join(' ')}"` : 'nothing to run';
  console.error(`bench: ${what}. Benches: ${all.join(', ') || 'none yet'}`);
  process.exitCode = 2;
} else {
  for (const name of wanted.length > 0 ? wanted : all) {
    console.log(`# ${name}`);
    const { status } = spawnSync(process.execPath, [`${dir}/${name}${SUFFIX}`], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exitCode = 1;
  }
}
