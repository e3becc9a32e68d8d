/** Starts the Chromium that tests use, with the flags that all of them need. Knows no page. */
import { type Browser, chromium } from 'playwright-core';
import { findChromium, howToInstall } from './find.ts';

const flags = [
  '--enable-unsafe-webgpu', // without it a machine without a GPU has no adapter, with it SwiftShader
  '--disable-quic',
  '--disable-sync',
];

/** Close it at the end; it also ends with this process. */
export async function launchChromium(): Promise<Browser> {
  const found = findChromium();
  if (!found) throw new Error(`no Chromium. ${howToInstall}`);
  return await chromium.launch({
    executablePath: found.executable,
    args: flags,
    env: { ...process.env, ...found.env },
  });
}
