/** Which Chromium the tests use: the one that is named, the one that is installed, or npm's. Starts none. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackedChromium } from './unpack.ts';

export interface Chromium {
  readonly executable: string;
  /** What it needs beside the environment of the process that starts it. */
  readonly env: Readonly<Record<string, string>>;
}

export const howToInstall =
  'npm brings one for Linux on x64; elsewhere install one or name it in OSTINATO_CHROMIUM.';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What OSTINATO_CHROMIUM names (a path, `npm` or `none`), else the first on PATH, else npm's. */
export function findChromium(): Chromium | undefined {
  const named = process.env.OSTINATO_CHROMIUM;
  if (named === 'none') return undefined;
  if (named === 'npm') return chromiumOfNpm();
  const installed = named || installedChromium();
  return installed ? { executable: installed, env: {} } : chromiumOfNpm();
}

function installedChromium(): string | undefined {
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

/** Its libraries go before those of the machine, which may have none; its fonts are the only ones: pages look alike. */
function chromiumOfNpm(): Chromium | undefined {
  const folder = unpackedChromium();
  if (!folder) return undefined;
  const libraries = [join(folder, 'al2023/lib'), process.env.LD_LIBRARY_PATH].filter(Boolean);
  return {
    executable: join(folder, 'chromium'),
    env: {
      LD_LIBRARY_PATH: libraries.join(delimiter),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  };
}
