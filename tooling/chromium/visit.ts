/** A page in a fresh profile, and what went wrong or took long in it. Knows no site. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** For `openPage`: how large the window is, and whether a finger points. */
export const screens = {
  phone: {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  },
  desktop: { viewport: { width: 1280, height: 800 } },
} as const satisfies Record<string, BrowserContextOptions>;

/** A stretch in which the page could not answer: 50 ms or more, as browsers count. */
export interface LongTask {
  readonly start: number;
  readonly ms: number;
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Uncaught errors, errors on the console, requests that failed, a crash; each as one line, since the page opened. */
  readonly troubles: readonly string[];
  /** All that the page said on its console, the troubles among it. */
  readonly log: readonly string[];
  /** The long tasks since the page loaded. */
  longTasks(): Promise<readonly LongTask[]>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  // The machine's locale must not decide what a page shows.
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  const troubles: string[] = [];
  const log: string[] = [];
  const trouble = (line: string): void => {
    troubles.push(line);
    log.push(line);
  };
  page.on('console', (said) => {
    const line = `${said.type()}: ${said.text()}`;
    if (said.type() === 'error') trouble(line);
    else log.push(line);
  });
  page.on('pageerror', (error) => trouble(`uncaught: ${error.stack ?? error.message}`));
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? 'no reason given';
    const line = `failed: ${request.url()} (${why})`;
    if (why === 'net::ERR_ABORTED')
      log.push(line); // the page itself wants it no longer, or was left
    else trouble(line);
  });
  page.on('crash', () => trouble('the page crashed'));
  await page.addInitScript(collectLongTasks);
  await page.goto(url);
  return {
    page,
    troubles,
    log,
    longTasks: () => page.evaluate(() => globalThis.longTasks()),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

declare global {
  /** In pages that `openPage` opened. */
  var longTasks: () => LongTask[];
}

/** Runs in the page, before its scripts. */
function collectLongTasks(): void {
  const tasks: LongTask[] = [];
  const keep = (entries: PerformanceEntryList): void => {
    for (const { startTime, duration } of entries) tasks.push({ start: startTime, ms: duration });
  };
  const observer = new PerformanceObserver((list) => keep(list.getEntries()));
  observer.observe({ type: 'longtask', buffered: true });
  globalThis.longTasks = () => {
    keep(observer.takeRecords());
    return tasks;
  };
}
