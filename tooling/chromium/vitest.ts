/** Groups of tests that need something of the machine, a Chromium first: they run, or are seen not to. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { findChromium, howToInstall } from './find.ts';
import { launchChromium } from './launch.ts';
import { openPage, type Visit } from './visit.ts';

/** What a group of tests needs: why it is not there, if so, and the variable that says it must be. */
export interface Need {
  readonly missing: string | undefined;
  readonly requiredBy: string;
}

/** `describe`; where something is missing the tests are skipped, which the title says, or fail if it is required. */
export function describeNeeding(need: Need, title: string, tests: () => void): void {
  const { missing, requiredBy } = need;
  if (missing === undefined) describe(title, { timeout: 180_000 }, tests);
  else if (process.env[requiredBy] === '1')
    test(`${title}: ${requiredBy}=1 asks for it`, () => {
      throw new Error(missing);
    });
  else {
    console.warn(`\nSKIPPED: ${title}: ${missing}\n`);
    describe.skip(`${title} (SKIPPED: ${missing})`, tests);
  }
}

/** Opens a page in a fresh profile of the group's Chromium. */
export type Open = (url: string, options?: BrowserContextOptions) => Promise<Visit>;

/** `describe` with a Chromium for the group. OSTINATO_REQUIRE_BROWSER=1 forbids to skip it. */
export function describeInChromium(title: string, tests: (open: Open) => void): void {
  const missing = findChromium() ? undefined : `no Chromium. ${howToInstall}`;
  describeNeeding({ missing, requiredBy: 'OSTINATO_REQUIRE_BROWSER' }, title, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser?.close());
    tests((url, options) => openPage(browser, url, options));
  });
}
