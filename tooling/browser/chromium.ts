/** A Chromium that is already on this machine: where it is, and one visit with it. Knows no page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const howToInstall =
  'Install one (Debian: apt-get install chromium) or name one in OSTINATO_CHROMIUM.';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The path of a Chromium: the one that OSTINATO_CHROMIUM names, or the first on PATH. */
export function findChromium(): string | undefined {
  const named = process.env.OSTINATO_CHROMIUM;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((n) => folders.map((folder) => join(folder, n))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const flags = [
  '--headless',
  '--no-sandbox', // root has none, and the only page is ours
  '--disable-gpu',
  '--disable-dev-shm-usage', // containers have little of it
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-logging=stderr', // the pages' consoles
];

/**
 * Opens a page in a fresh Chromium and waits for what it tells, with Chromium's last lines in the error if it ends or
 * the time is over before that.
 */
export async function visit<T>(
  url: string,
  { told, seconds = 120 }: { readonly told: Promise<T>; readonly seconds?: number },
): Promise<T> {
  const chromium = findChromium();
  if (!chromium) throw new Error(`no Chromium. ${howToInstall}`);
  const home = mkdtempSync(join(tmpdir(), 'ostinato-chromium-'));
  const child = spawn(chromium, [...flags, `--user-data-dir=${home}`, url], {
    detached: true, // a group of its own, with which all of its processes end
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let log = '';
  child.stderr.on('data', (data) => {
    log = `${log}${data}`.slice(-4000);
  });
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    const fail = (what: string): void => reject(new Error(`${chromium} ${what}:\n${log}`));
    child.once('error', (error) => fail(`does not start (${error.message})`));
    child.once('close', (code) => fail(`ended with ${code} before the page reported`));
    timer = setTimeout(() => fail(`showed no report within ${seconds} s`), seconds * 1000);
  });
  try {
    return await Promise.race([told, failed]);
  } finally {
    clearTimeout(timer);
    stop(child);
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function stop({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
