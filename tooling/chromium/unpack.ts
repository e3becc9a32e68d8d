/**
 * npm's @sparticuz/chromium, unpacked once: a headless Chromium, the libraries that a bare machine lacks, fonts, and
 * SwiftShader, a Vulkan driver in software. Knows where the files are, not who uses them.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The package holds binaries for one kind of machine. */
const fits = process.platform === 'linux' && process.arch === 'x64';

/**
 * The package's own list names folders of cloud functions only. This one names no place: a clone may be moved, and its path
 * may have what XML does not take as it is. Without fonts text has no width.
 */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts/fonts</dir>
</fontconfig>
`;

const cacheOfThisClone = join(import.meta.dirname, 'node_modules/.cache');

/** The folder with all of it, or undefined where it does not fit the machine. */
export function unpackedChromium(cache: string = cacheOfThisClone): string | undefined {
  if (!fits) return undefined;
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const manifest = readFileSync(join(dirname(main), '../package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { readonly version: string };
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) unpackInto(folder);
  return folder;
}

/** Others may do the same at this moment, or be killed in it: the folder appears whole, and the first one stays. */
function unpackInto(folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  const staging = mkdtempSync(`${folder}.`);
  try {
    execFileSync(process.execPath, [join(import.meta.dirname, 'inflate.ts')], {
      // The package unpacks its libraries only where it believes to be in a cloud function.
      env: { ...process.env, TMPDIR: staging, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' },
    });
    writeFileSync(join(staging, 'fonts.conf'), FONTS);
    renameSync(staging, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
