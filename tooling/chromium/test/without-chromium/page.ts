/** Run by ../needs.test.ts on a machine without a Chromium. */
import { test } from 'vitest';
import { describeInChromium } from '../../vitest.ts';

test('runs anywhere', () => {});
describeInChromium('a page', (open) => {
  test('opens', async () => {
    await open('about:blank');
  });
});
