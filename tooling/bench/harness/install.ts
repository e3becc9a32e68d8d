/** Installs peers on demand into the user's cache folder, never into the workspace. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The folder in which packages are installed together, each as `name@version` with an exact version; installs them with
 * npm where they are missing.
 */
export async function install(...packages: readonly [string, ...string[]]): Promise<string> {
  const name = packages.map((one) => one.replace('/', '+')).join(',');
  const folder = join(cacheFolder(), 'ostinato', 'bench', name);
  if (existsSync(folder)) return folder;
  console.error(`bench: installing ${packages.join(' and ')} into ${folder}`);
  await mkdir(dirname(folder), { recursive: true });
  // Installed beside its place and moved there when complete: what exists is whole.
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    await writeFile(join(draft, 'package.json'), '{ "private": true }\n');
    await npmInstall(draft, packages);
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

const cacheFolder = (): string => process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

async function npmInstall(cwd: string, packages: readonly string[]): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', ['install', ...quiet, ...packages], { cwd });
  } catch (error) {
    const { stderr = '', message = '' } = error as { stderr?: string; message?: string };
    const code = /npm error code (\S+)/.exec(stderr)?.[1] ?? message.split('\n')[0];
    throw new Error(
      `cannot install ${packages.join(' and ')} (${code}). A peer is fetched once from npm's registry: run again where that can be reached.`,
    );
  }
}
