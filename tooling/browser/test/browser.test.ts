/** The quick conformance cases where browsers are strict: without shared memory, in workers, under policies. */
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
    const { page, log } = visit;
    const isReport = (r: { url(): string }): boolean => new URL(r.url()).pathname === reports;
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

  test('wasm in a page that is isolated: one thread, since a page must not wait', async () => {
    const { facts, notes, passed, failed } = await from('isolated-page');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(5);
    expect(facts).toEqual({ isolated: true, sharedArrayBuffer: 'function' });
    expect(notes).toContainEqual(expect.stringContaining('threads: 1 (a page must not wait'));
  });

  test('wasm in a module worker of an isolated page: two threads', async () => {
    const { facts, notes, passed, failed } = await from('isolated-worker');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(50);
    expect(facts).toEqual({ isolated: true, page: 'undefined' });
    expect(notes.filter((n) => n.startsWith('threads'))).toEqual(['threads: 2']);
  });

  test('a policy that forbids the source of the threads: one thread, and a note', async () => {
    const { notes, passed, failed } = await from('no-blobs', '?only=contract');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(5);
    expect(notes).toContainEqual(expect.stringContaining('threads: 1 after all'));
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

  test.each([
    ['webgpu', 'object'],
    ['webgpu-worker', 'undefined'],
  ] as const)('a shader computes: %s', async (folder, document) => {
    const { facts } = await from(folder);
    expect(facts).toEqual({ document, cubes: Array.from({ length: 64 }, (_, i) => i ** 3) });
  });
});
