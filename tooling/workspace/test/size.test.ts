/** What the check of sizes counts is what a page loads: nothing that it needs comes later. */
import { describeInChromium } from '@ostinato/chromium/vitest';
import { expect, test } from 'vitest';
import { bundlePage } from '../size-page.ts';

const site = 'http://localhost/';

/** Asks for a step until the first answer: what is sent before the worker listens is lost. */
const page = `<!doctype html><link rel="icon" href="data:,"><script>
  const worker = new Worker('streaming.js', { type: 'module' });
  const asking = setInterval(() => worker.postMessage(new Float32Array(16).fill(0.5)), 100);
  worker.onmessage = ({ data }) => { clearInterval(asking); globalThis.answer = [...data]; };
</script>`;

describeInChromium('a page that streams', (open) => {
  test('loads what is counted and its weights, and answers', async () => {
    const { files, loaded } = await bundlePage('streaming');
    await using visit = await open('about:blank');
    const asked: string[] = [];
    await visit.page.context().route(`${site}**`, (route) => {
      const name = route.request().url().slice(site.length);
      asked.push(name);
      const script = files.get(name);
      if (script) return route.fulfill({ contentType: 'text/javascript', body: script });
      if (name === 'lstm.bin') return route.fulfill({ body: weights() });
      return route.fulfill({ contentType: 'text/html', body: page });
    });
    await visit.page.goto(site);
    const answer = await visit.page.waitForFunction(() => Reflect.get(globalThis, 'answer'));
    const values = (await answer.jsonValue()) as number[];
    expect(values).toHaveLength(64);
    expect(values.every((x) => x > 0.01 && x < 1)).toBe(true);
    expect(asked.toSorted()).toEqual(['', 'lstm.bin', ...loaded].toSorted());
    expect(visit.troubles).toEqual([]);
  });
});

/** An LSTM's of 16 inputs and 64 units: kernel, recurrent kernel, bias. */
const weights = (): Buffer =>
  Buffer.from(new Float32Array(4 * 64 * (16 + 64 + 1)).fill(0.01).buffer);
