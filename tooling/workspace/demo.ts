// Starts an app: `pnpm demo`, `pnpm demo --epochs 3`, `pnpm demo <app> [options]`.
import { spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { join, resolve } from 'node:path';

const DEFAULT_APP = 'sentiment';
const apps = resolve(import.meta.dirname, '../../apps');

/** The app's name and its own arguments. */
export function choose(args: readonly string[]): { app: string; rest: readonly string[] } {
  const [first, ...rest] = args;
  if (first === '--') return choose(rest);
  if (first === undefined || first.startsWith('-')) return { app: DEFAULT_APP, rest: args };
  return { app: first, rest };
}

/** Where Linux keeps the drivers of GPUs. */
const driverFolders = ['/etc', '/usr/share', '/usr/local/share', `${homedir()}/.local/share`];

/** Whether the app is to compute on a GPU although no driver for one is installed. */
export const lacksDriver = (rest: readonly string[], folders = driverFolders): boolean =>
  `${rest.join('=')}=`.includes('--backend=webgpu=') &&
  folders.every((folder) => globSync(`${folder}/vulkan/icd.d/*.json`).length === 0);

/** Then it is the GPU in software that tests compute on, unless the environment names another. */
async function softwareGpu(): Promise<Readonly<Record<string, string>>> {
  const { env } = (await import('@ostinato/software-gpu')).softwareGpu();
  if (env.VK_ICD_FILENAMES)
    console.error('demo: no GPU driver is installed, so that webgpu computes in software');
  return env;
}

async function start(app: string, rest: readonly string[]): Promise<void> {
  const mainOf = (name: string): string => join(apps, name, 'src/main.ts');
  const runnable = readdirSync(apps)
    .filter((name) => existsSync(mainOf(name)))
    .sort();
  if (!runnable.includes(app)) {
    console.error(`demo: no app "${app}". Apps: ${runnable.join(', ') || 'none yet'}`);
    process.exitCode = 2;
    return;
  }
  const env = { ...process.env, ...(lacksDriver(rest) && (await softwareGpu())) };
  const child = spawn(process.execPath, [mainOf(app), ...rest], { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to the app as well, so passing it on would make it two; an app that
  // writes a checkpoint on the first one may take a second one as "stop now".
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`demo: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
}

if (import.meta.main) {
  const { app, rest } = choose(process.argv.slice(2));
  await start(app, rest);
}
