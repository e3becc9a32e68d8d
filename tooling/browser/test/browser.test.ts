/** The quick conformance cases where browsers are strict: without shared memory, in workers, under policies. */
import type { Visit } from '@ostinato/chromium';
import { describeInChromium } from '@ostinato/chromium/vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Report, reports } from '../report.ts';
import { type Folder, openSite, type Site } from '../site.ts';

describeInChromium('in Chromium', (open) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site?.close());

  /** What the page tells; its console is in the error where it tells nothing. */
  async function from(folder: Folder, search = ''): Promise<Report> {
    await using visit = await open('about:blank');
    return await reportOf(visit, folder, search);
  }

  async function reportOf({ page, log }: Visit, folder: Folder, search = ''): Promise<Report> {
    const told = page.waitForRequest(isReport, { timeout: 150_000 });
    await page.goto(site.url(folder, search));
    const request = await told.catch((error) => {
      throw new Error(
        `no report (${error.message}). The page's log ends:\n${log.slice(-20).join('\n')}`,
      );
    });
    const { error, ...report } = request.postDataJSON() as Report & { readonly error?: string };
    if (error !== undefined) throw new Error(`the page failed: ${error}`);
    return report;
  }

  test('wasm in a page without isolation: one thread', async () => {
    const { facts, notes, passed, failed } = await from('plain');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(50);
    expect(facts).toEqual({ isolated: false, sharedArrayBuffer: 'undefined' });
    expect(notes).toContainEqual(expect.stringContaining('threads: 1 (no SharedArrayBuffer'));
    expect(notes).toContain('128-bit vectors: not in Node');
  });

  test('an LSTM over a stream, under a strict policy that allows WebAssembly: wasm as cpu', async () => {
    const { facts } = await from('streaming');
    expect(facts).toMatchObject({ numbers: 160, moves: true });
    expect(facts.furthest).toBeLessThan(1e-5);
  });

  test('wasm in a page that is isolated: two threads, led by a worker', async () => {
    const { facts, notes, passed, failed } = await from('isolated-page');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(50);
    expect(facts).toEqual({ isolated: true, page: 'object' });
    expect(notes.filter((n) => n.startsWith('threads'))).toEqual(['threads: 2, led by a worker']);
  });

  test('a page stays free while a worker leads a long run; dispose in the middle ends all', async () => {
    await using visit = await open('about:blank');
    const { facts } = await reportOf(visit, 'busy');
    expect(facts).toMatchObject({ moves: true, same: true, ended: 'disposed' });
    const events = facts.events as readonly string[];
    expect(events.at(-1)).toBe('read');
    const meanwhile = events.slice(events.indexOf('asked'));
    expect(meanwhile.filter((e) => e === 'timer').length).toBeGreaterThan(3);
    // A worker that computes or waits goes when Chromium loses patience with it, some two seconds later.
    await expect.poll(() => visit.page.workers().length, { timeout: 60_000 }).toBe(0);
    expect(visit.troubles).toEqual([]);
  });

  test('a page that forgets dispose can be closed in the middle of a run', async () => {
    const visit = await open('about:blank');
    const { facts } = await reportOf(visit, 'busy', '?forget');
    expect(facts).toEqual({ moves: true });
    expect(visit.page.workers().length).toBe(2);
    await visit[Symbol.asyncDispose]();
    const { facts: after } = await from('busy', '?forget');
    expect(after).toEqual({ moves: true });
  });

  test('wasm in a module worker of an isolated page: two threads', async () => {
    const { facts, notes, passed, failed } = await from('isolated-worker');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(50);
    expect(facts).toEqual({ isolated: true, page: 'undefined' });
    expect(notes.filter((n) => n.startsWith('threads'))).toEqual(['threads: 2']);
  });

  test('a policy that forbids the source of the threads: one thread, and a note', async () => {
    for (const folder of ['no-blobs-page', 'no-blobs-worker'] as const) {
      const { notes, passed, failed } = await from(folder, '?only=contract');
      expect(failed).toEqual([]);
      expect(passed).toBeGreaterThan(5);
      expect(notes).toContainEqual(expect.stringContaining('threads: 1 (workers do not start'));
    }
  });

  test('a policy that forbids compiling: cpu is picked, says why, and is right', async () => {
    const { facts, passed, failed } = await from('no-compiling');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(50);
    expect(facts).toMatchObject({ picked: 'cpu', evaluates: false });
    expect(facts.tried).toEqual([
      expect.stringMatching(/^wasm: .*refuses to compile .*'wasm-unsafe-eval'/),
      expect.stringMatching(/^cpu: opened/),
    ]);
  });

  // Both schedules in both places, as far as they differ: cases without a time loop have none.
  test.each([
    ['webgpu', 'persistent', ''],
    ['webgpu', 'stepwise', 'scans'],
    ['webgpu-worker', 'stepwise', ''],
    ['webgpu-worker', 'persistent', 'scans'],
  ] as const)('%s, %s: %s', async (folder, schedule, only) => {
    const search = `?schedule=${schedule}&only=${only}`;
    const { facts, notes, passed, failed } = await from(folder, search);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(only ? 20 : 150);
    expect(notes).toContain('reductions meet in subgroups');
    expect(facts).toEqual({ document: folder === 'webgpu' ? 'object' : 'undefined' });
  });

  test('a page that is closed in the middle of a training leaves WebGPU to the next', async () => {
    {
      await using visit = await open('about:blank');
      const third = visit.page.waitForEvent('console', (said) => said.text() === 'step 3');
      await visit.page.goto(site.url('endless'));
      await third;
    }
    const { passed, failed } = await from('webgpu', '?only=contracts');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(5);
  });

  test('so does a worker that is terminated in the middle of a training', async () => {
    const { facts, passed, failed } = await from('terminating');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(5);
    expect(facts).toEqual({ steps: 3 });
  });

  test('a GPU process that crashes in the middle of a training: it says so, and the page computes on', async () => {
    await using visit = await open('about:blank');
    const { page } = visit;
    const told = page.waitForRequest(isReport);
    const third = page.waitForEvent('console', (said) => said.text() === 'step 3');
    await page.goto(site.url('losing'));
    await third;
    const devtools = await page.context().browser()?.newBrowserCDPSession();
    await devtools?.send('Browser.crashGpuProcess');
    const { facts, passed, failed } = (await told).postDataJSON() as Report;
    expect(facts.code).toBe('device-lost');
    expect(facts.message).toMatch(/the device was lost .* go on from the last checkpoint/);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(5);
  });
});

const isReport = (r: { url(): string }): boolean => new URL(r.url()).pathname === reports;
