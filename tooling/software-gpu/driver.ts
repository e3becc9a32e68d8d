/** Which Vulkan driver Dawn finds in the tests: the user's, or SwiftShader, which computes on the CPU. Loads neither. */
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findChromium, unpackedChromium } from '@ostinato/chromium';

/** What vitest needs to know about a project whose tests use Dawn. */
export interface GpuTests {
  /** A thread that ends while Dawn has work kills the whole run, and the loader reads the environment of a process. */
  readonly pool: 'forks';
  readonly env: Readonly<Record<string, string>>;
}

/** Where Chromiums of Linux's distributions keep their files; what is on PATH is often a script that starts them. */
const installed = [
  '/usr/lib/chromium',
  '/usr/lib64/chromium',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
];

const users = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES'] as const;
const manifest = 'vk_swiftshader_icd.json';

/**
 * For `test` in vitest.config.ts. What the user's environment names goes first, so a real GPU on Linux takes
 * `VK_ICD_FILENAMES`; the other systems have a driver of their own.
 */
export function softwareGpu(): GpuTests {
  return { pool: 'forks', env: driverEnv() };
}

function driverEnv(): Record<string, string> {
  if (process.platform !== 'linux') return {};
  // an installed Mesa else writes to the tests' output that it finds no window system
  const quiet = { NODEVICE_SELECT: '1' };
  const folder = users.some((name) => process.env[name]) ? undefined : driverFolder();
  if (!folder) return quiet;
  return {
    ...quiet,
    VK_ICD_FILENAMES: join(folder, manifest),
    // beside the driver lies the loader, libvulkan.so.1, which not every machine has
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
  };
}

function driverFolder(): string | undefined {
  const chromium = findChromium()?.executable;
  const beside = chromium && existsSync(chromium) ? [dirname(realpathSync(chromium))] : [];
  const found = [...beside, ...installed].find((folder) => existsSync(join(folder, manifest)));
  return found ?? unpackedChromium();
}
