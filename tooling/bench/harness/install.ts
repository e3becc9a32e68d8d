/** Installs peers on demand into the user's cache folder, never into the workspace. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The folder in which packages are installed together, each as `name@version` with an exact version; installs them with
 * npm where they are missing, without running their scripts. A folder that is there is taken as it is.
 */
export const install = (...packages: readonly [string, ...string[]]): Promise<string> =>
  installWith(['--ignore-scripts'], packages);

/**
 * The folder of one package whose own script fetches or builds native code, or undefined where that code cannot be had
 * or loaded: then it says why.
 */
export async function installNative(name: string, version: string): Promise<string | undefined> {
  try {
    const cwd = await installWith([], [`${name}@${version}`]);
    await promisify(execFile)(process.execPath, ['-e', `require('${name}')`], { cwd });
    return cwd;
  } catch (error) {
    console.error(`bench: ${name} is left out: ${reasonOf(error)}`);
    return undefined;
  }
}

async function installWith(flags: readonly string[], packages: readonly string[]): Promise<string> {
  const name = packages.map((one) => one.replace('/', '+')).join(',');
  const folder = join(cacheFolder(), 'ostinato', 'bench', name);
  if (existsSync(folder)) return folder;
  console.error(`bench: installing ${packages.join(' and ')} into ${folder}`);
  await mkdir(dirname(folder), { recursive: true });
  // Installed beside its place and moved there when complete: what exists is whole.
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    await writeFile(join(draft, 'package.json'), '{ "private": true }\n');
    await npmInstall(draft, flags, packages);
    await rename(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another bench installed the same meanwhile
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** With HOME empty `homedir()` is too, and the cache would be in whatever folder one is. */
const cacheFolder = (): string =>
  process.env.XDG_CACHE_HOME || join(homedir() || userInfo().homedir, '.cache');

async function npmInstall(
  cwd: string,
  flags: readonly string[],
  packages: readonly string[],
): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', ['install', ...quiet, ...flags, ...packages], { cwd });
  } catch (error) {
    throw new Error(
      `cannot install ${packages.join(' and ')} (${reasonOf(error)}). A peer is fetched once: run again where npm's registry, and what its own script fetches from, can be reached.`,
    );
  }
}

/** Of a command that failed, in one line: what a script or Node threw, else npm's code, else how it ended. */
export function reasonOf(error: unknown): string {
  const { stderr = '', message = '' } = error as { stderr?: string; message?: string };
  const [, thrown] = /^(?:npm error )?(\w*Error: .+)$/m.exec(stderr) ?? [];
  const [, code] = /^npm error code (\S+)/m.exec(stderr) ?? [];
  return thrown ?? code ?? (message.split('\n')[0] as string);
}
