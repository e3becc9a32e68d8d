/** A visit tells what went wrong in a page, how long it was busy, and shows it on both screens. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { screens } from '../index.ts';
import { describeInChromium } from '../vitest.ts';

const html = `<!doctype html><link rel="icon" href="data:,"><meta name="viewport" content="width=device-width">
<button onclick="this.textContent = 'pressed'">press</button>
<button onclick="const until = performance.now() + 120; while (performance.now() < until);">work</button>
<label>name <input></label>
<script>
  console.log('hello');
  if (location.search === '?stop') {
    const stop = new AbortController();
    fetch('/never', { signal: stop.signal }).catch(() => console.log('stopped'));
    setTimeout(() => stop.abort(), 50);
  }
  if (location.search === '?bad') {
    console.error('badly');
    fetch('http://127.0.0.1:1/');
    setTimeout(() => { throw new Error('thrown'); });
  }
</script>`;

describeInChromium('a visit', (open) => {
  let server: Server;
  let url: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/never') return;
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server?.close();
    server?.closeAllConnections();
  });

  test('a good page has no troubles; it can be clicked, typed into and photographed', async () => {
    await using visit = await open(url, screens.phone);
    await visit.page.getByRole('button', { name: 'press' }).tap();
    await visit.page.getByLabel('name').fill('Ada');
    expect(await visit.page.getByRole('button').allTextContents()).toEqual(['pressed', 'work']);
    expect(await visit.page.getByLabel('name').inputValue()).toBe('Ada');
    expect(widthOf(await visit.page.screenshot())).toBe(2 * 390);
    expect(visit.log).toEqual(['log: hello']);
    expect(visit.troubles).toEqual([]);
  });

  test('a bad page: errors on the console, uncaught ones and failed requests', async () => {
    await using visit = await open(`${url}?bad`, screens.desktop);
    await expect.poll(() => visit.troubles.length).toBeGreaterThanOrEqual(3);
    const all = visit.troubles.join('\n');
    expect(all).toContain('error: badly');
    expect(all).toContain('uncaught: Error: thrown');
    expect(all).toContain('failed: http://127.0.0.1:1/');
    expect(visit.log).toContain('log: hello');
    expect(widthOf(await visit.page.screenshot())).toBe(1280);
  });

  test('a request that the page itself gives up is in the log, and no trouble', async () => {
    await using visit = await open(`${url}?stop`);
    await expect.poll(() => visit.log).toContain('log: stopped');
    await expect.poll(() => visit.log).toContain(`failed: ${url}never (net::ERR_ABORTED)`);
    expect(visit.troubles).toEqual([]);
  });

  test('a long task is told with its duration', async () => {
    await using visit = await open(url);
    const before = (await visit.longTasks()).length;
    await visit.page.getByRole('button', { name: 'work' }).click();
    await expect.poll(async () => (await visit.longTasks()).length).toBeGreaterThan(before);
    expect((await visit.longTasks()).some(({ ms }) => ms >= 100)).toBe(true);
  });
});

/** Of a PNG file: the first number of its first chunk. */
const widthOf = (png: Buffer): number => png.readUInt32BE(16);
