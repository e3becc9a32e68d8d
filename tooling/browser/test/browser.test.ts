/** The quick conformance cases where browsers are strict: without shared memory, in workers, under policies. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, howToInstall, visit } from '../chromium.ts';
import type { Report } from '../report.ts';
import { type Folder, openSite, type Site } from '../site.ts';

const missing = findChromium() === undefined;
const required = process.env.OSTINATO_REQUIRE_BROWSER === '1';

if (missing && !required)
  console.warn(`\nSKIPPED: no Chromium, so nothing was tested in a browser. ${howToInstall}\n`);
if (missing && required)
  test('a Chromium is there, as OSTINATO_REQUIRE_BROWSER=1 asks', () => {
    throw new Error(`no Chromium on PATH. ${howToInstall}`);
  });

const title = missing ? `in Chromium (SKIPPED, there is none: ${howToInstall})` : 'in Chromium';

describe.skipIf(missing)(title, { timeout: 180_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site?.close());

  const from = (folder: Folder, search?: string): Promise<Report> =>
    visit(site.url(folder, search), { told: site.report() });

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
});
