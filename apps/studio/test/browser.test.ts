/** The studio in a real browser, driven as a visitor would: by what is on the page. */
import { screens, type Visit } from '@ostinato/chromium';
import { describeInChromium } from '@ostinato/chromium/vitest';
import axe from 'axe-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite, type Site } from './site.ts';

type Page = Visit['page'];
type Screen = Parameters<Parameters<Parameters<typeof describeInChromium>[1]>[0]>[1];

/** Where pictures of the page are left for people to look at. */
const pictures = `${import.meta.dirname}/../runs/screenshots`;

/** Small enough for a GPU in software. */
const small = 'units=16&embedding=16&sentences=2000&batch=64&epochs=5&learningRate=0.02';
const gated = `z = sigmoid(Wz x + Uz h + bz)
n = tanh(Wn x + Un (z * h) + bn)
h' = (1 - z) * h + z * n`;

/** Backends, how each is asked for, and what an LSTM must reach there. */
const backends = [
  { name: 'WebAssembly', search: 'backend=wasm', floor: 95 },
  { name: 'WebGPU', search: `backend=webgpu&software=1&${small}`, floor: 90 },
];

const button = (page: Page, name: string): ReturnType<Page['getByRole']> =>
  page.getByRole('button', { name, exact: true });

/** Looks at every frame: on a fast machine what is said now may be gone a moment later. */
async function saysStatus(page: Page, text: RegExp): Promise<void> {
  const says = (source: string): boolean =>
    new RegExp(source).test(document.querySelector('#status')?.textContent ?? '');
  await page.waitForFunction(says, text.source, { timeout: 120_000 });
}

/** Trains to the end; gives the percentage of held-back text that it gets right. */
async function train(page: Page): Promise<number> {
  await button(page, 'Train').click();
  await saysStatus(page, /^Done/);
  return heldBack(page);
}

async function heldBack(page: Page): Promise<number> {
  const legend = await page.locator('#accuracy-legend').textContent();
  return Number(legend?.match(/held back ([\d.]+) %/)?.[1]);
}

async function stepsTaken(page: Page): Promise<number> {
  const status = await page.locator('#status').textContent();
  return Number(status?.match(/step ([\d,]+)/)?.[1]?.replaceAll(',', ''));
}

/** The tokens over the picture. */
const tokens = (page: Page): Promise<string[]> =>
  page.locator('.heat-tokens span').allTextContents();

/** What the model says of a sentence, once it has looked at it. */
async function verdictOn(page: Page, sentence: string): Promise<string> {
  await page.getByLabel('Your sentence').fill(sentence);
  await expect.poll(() => tokens(page)).toEqual(sentence.replaceAll(',', '').split(' '));
  return (await page.locator('#verdict').textContent()) ?? '';
}

async function typeCell(page: Page, equations: string): Promise<void> {
  await page.getByRole('radio', { name: 'Your own' }).check();
  await page.getByLabel('Equations of your cell').fill(equations);
}

describeInChromium('the studio', (open) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site?.close());

  const visit = (search: string, screen: Screen = screens.desktop): Promise<Visit> =>
    open(`${site.url}?${search}`, screen);

  test.each(backends)(
    'an LSTM on $name: trains, pauses, steps, goes on, and hears what the order of words says',
    async ({ name, search, floor }) => {
      await using visited = await visit(search);
      const { page, troubles } = visited;
      await page.locator('#backend-name', { hasText: name }).waitFor();
      await button(page, 'Train').click();
      await saysStatus(page, /step [1-9]/);
      await button(page, 'Pause').click();
      await saysStatus(page, /^Paused/);
      await page.waitForTimeout(300); // what was under way arrives
      const paused = await stepsTaken(page);
      await page.waitForTimeout(300);
      expect(await stepsTaken(page)).toBe(paused);
      await button(page, 'Step').click();
      await saysStatus(page, new RegExp(`step ${paused + 1} of`));
      await button(page, 'Resume').click();
      await saysStatus(page, /^Done/);
      expect(await heldBack(page)).toBeGreaterThan(floor);
      const kind = await verdictOn(page, 'although the plot was dull, the music was really superb');
      const unkind = await verdictOn(
        page,
        'although the music was superb, the plot was really dull',
      );
      expect(kind).not.toBe(unkind);
      if (floor > 90) expect([kind[0], unkind[0]]).toEqual(['p', 'n']);
      expect(troubles).toEqual([]);
    },
  );

  test.each(backends)(
    'a typed cell on $name: its mistakes are said, and it trains',
    async ({ search }) => {
      await using visited = await visit(`${search}&${small}`);
      const { page, troubles } = visited;
      await typeCell(page, gated.replace('tanh(', 'tahn('));
      await page.getByText('Line 2: tahn is no function.').waitFor();
      expect(await button(page, 'Train').isDisabled()).toBe(true);
      await typeCell(page, gated);
      await page.getByText('remembers h and learns Wz, Uz, Wn, Un, bz, bn').waitFor();
      expect(await train(page)).toBeGreaterThan(90);
      const labels = await page.locator('.heat-label .symbol').allTextContents();
      expect(labels).toEqual(['', 'z', 'n', "h'"]);
      expect(troubles).toEqual([]);
    },
  );

  test('what is shown of a cell is that cell: its equations whole, and its own names in the table', async () => {
    await using visited = await visit(`backend=wasm&cell=gru&${small}&epochs=1`);
    const { page, troubles } = visited;
    await train(page);
    await page.getByText('Values as a table').click();
    const quantities = page.getByLabel('Quantity').locator('option');
    expect(await quantities.allTextContents()).toContain('reset gate r');
    await page.getByRole('button', { name: 'Change these equations' }).click();
    await button(page, 'Train again').click();
    await expect
      .poll(() => quantities.allTextContents())
      .toEqual(['so far positive', 'r', 'z', 'n', "state h'"]);

    await saysStatus(page, /^Done/);
    await typeCell(page, `positive = sigmoid(\n  Wp x # of the word\n); h‘ = tanh(W x + U h)`);
    await button(page, 'Train again').click();
    const equations = page.locator('.heat-label code');
    await expect
      .poll(() => equations.allTextContents())
      .toEqual(['= sigmoid( Wp x )', '= tanh(W x + U h)']);
    await page.getByLabel('Quantity').selectOption({ label: 'positive' });
    expect(await page.locator('#table tbody tr').count()).toBe(16);
    expect(troubles).toEqual([]);
  });

  test('the main thread is free while it trains, and while everything is shown', async () => {
    await using visited = await visit('backend=wasm&units=64&epochs=100');
    const { page, troubles } = visited;
    const longest = await longestTask(page, async () => {
      await button(page, 'Train').click();
      await saysStatus(page, /Epoch ([3-9]|\d\d)/);
      await page.getByText('Values as a table').click();
      await verdictOn(page, 'critics never found the plot dull, yet the ending was awful');
      await saysStatus(page, /Epoch ([6-9]|\d\d)/);
    });
    console.info(
      `longest task of the main thread: ${longest.cpu} ms, by the clock ${longest.clock} ms`,
    );
    expect(longest.cpu).toBeGreaterThan(0);
    expect(longest.cpu).toBeLessThan(100);
    expect(troubles).toEqual([]);
  });

  test('a character model writes, looks at what it reads, and listens to its temperature', async () => {
    await using visited = await visit('task=characters&backend=wasm&cell=gru&epochs=5');
    const { page, troubles } = visited;
    await train(page);
    const written = page.locator('#written');
    const before = await written.textContent();
    expect(before).toMatch(/^at dawn the old ferry waits by the quay, and (the|snow)/);
    await button(page, 'Write again').click();
    await expect.poll(() => written.textContent()).not.toBe(before);
    await page.getByLabel('Temperature').fill('0');
    await page.getByLabel('What it begins with').fill('at night a tired g');
    await expect.poll(() => written.textContent()).toMatch(/^at night a tired gull /);
    await expect.poll(async () => (await tokens(page)).join('')).toBe('at␣night␣a␣tired␣g');
    expect(await page.locator('#next b').first().textContent()).toBe('u');
    expect(troubles).toEqual([]);
  });

  test('by keyboard alone: train, read a value in the picture, read the table', async () => {
    await using visited = await visit(`backend=wasm&${small}`);
    const { page, troubles } = visited;
    await page.locator('#backend-name', { hasText: 'WebAssembly' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // to training
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await saysStatus(page, /^Done/);
    const forget = page.getByRole('img', { name: /^forget gate: 16 units/ });
    await forget.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const readout = (await page.locator('.readout').textContent()) ?? '';
    expect(readout).toMatch(/^“the” · forget gate · unit 3: 0\.\d{3}$/);
    await page.getByText('Values as a table').press('Enter');
    await page.getByLabel('Quantity').selectOption({ label: 'forget gate f' });
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: '3', exact: true }) });
    const value = Number(await row.getByRole('cell').nth(1).textContent());
    expect(value).toBeCloseTo(Number(readout.slice(-5)), 1.9);
    expect(troubles).toEqual([]);
  });

  test('a seed that is none is told, and the last one stays', async () => {
    await using visited = await visit(`backend=wasm&${small}`);
    const { page } = visited;
    const seed = page.getByLabel('Seed');
    const told = (): Promise<string> =>
      seed.evaluate((field) => (field as HTMLInputElement).validationMessage);
    await page.getByText('More settings').click();
    await seed.fill('7');
    expect(await told()).toBe('');
    for (const none of ['-1', '1.5', '']) {
      await seed.fill(none);
      expect(await told()).toContain('7 stays');
    }
    await seed.blur();
    expect(await seed.inputValue()).toBe('7');
    expect(await told()).toBe('');
  });

  test('a button that is pressed by keyboard is pressed again without looking for it', async () => {
    await using visited = await visit(`backend=wasm&${small}`);
    const { page, troubles } = visited;
    await page.locator('#backend-name', { hasText: 'WebAssembly' }).waitFor();
    await button(page, 'Step').focus();
    for (const step of [1, 2, 3]) {
      await page.keyboard.press('Enter');
      await saysStatus(page, new RegExp(`^Paused.* step ${step} of`));
    }
    await button(page, 'Start over').focus();
    await page.keyboard.press('Enter');
    await saysStatus(page, /^Done/);
    await page.keyboard.press('Enter');
    await saysStatus(page, /^(Making|Compiling|Epoch)/);
    expect(troubles).toEqual([]);
  });

  test('what scrolls is reached by keyboard: the program and the table', async () => {
    await using visited = await visit(`backend=wasm&cell=own&${small}&epochs=1`, screens.phone);
    const { page, troubles } = visited;
    await typeCell(page, gated);
    await train(page);
    await page.getByText('The same cell as a program').click();
    await page.getByText('Values as a table').click();
    expect(await accessProblems(page)).toEqual([]);
    expect(troubles).toEqual([]);
  });

  test('without WebGPU and without threads it falls back, and says why', async () => {
    await using visited = await visit('');
    const { page, troubles } = visited;
    await page.locator('#backend-name', { hasText: 'WebAssembly' }).waitFor();
    await page.locator('#backend summary').click();
    const why = await page.locator('#backend-tried').textContent();
    expect(why).toContain('webgpu: only a software adapter');
    expect(why).toContain('wasm: opened');
    await page.getByLabel('Computes on').selectOption('cpu');
    await page.locator('#backend-name', { hasText: 'plain JavaScript' }).waitFor();
    await page.keyboard.press('Escape');
    await button(page, 'Step').click();
    await saysStatus(page, /^Paused.*step 1 of/);
    expect(troubles).toEqual([]);
  });

  test('opens in a browser whose language is no language tag', async () => {
    const locale = 'en-US@posix'; // what Chromium says where the system has no locale
    await using visited = await visit('backend=wasm', { ...screens.desktop, locale });
    const { page, troubles } = visited;
    await page.locator('#backend-name', { hasText: 'WebAssembly' }).waitFor();
    expect(troubles).toEqual([]);
  });

  const looks: readonly (readonly [
    name: string,
    search: string,
    prepare: (page: Page) => Promise<void>,
  ])[] = [
    ['fresh', 'backend=wasm', async () => {}],
    [
      'lstm',
      `backend=wasm&units=32&${small}`,
      async (page) => {
        await train(page);
        await verdictOn(
          page,
          'although the opening of this young director felt clumsy, nobody considered the music dull',
        );
      },
    ],
    [
      'own-cell',
      `backend=wasm&${small}`,
      async (page) => {
        await typeCell(page, gated);
        await train(page);
        await typeCell(page, gated.replace('bz)', 'bz) z'));
      },
    ],
    [
      'characters',
      'backend=wasm&task=characters&cell=gru&epochs=3',
      async (page) => void (await train(page)),
    ],
  ];
  const sizes = {
    phone: screens.phone,
    desktop: { viewport: { width: 1440, height: 900 } },
  };

  test.each(looks)('looks: %s', async (name, search, prepare) => {
    for (const [screen, size] of Object.entries(sizes)) {
      await using visited = await visit(search, { ...size, reducedMotion: 'reduce' });
      const { page, troubles } = visited;
      await page.locator('#backend-name', { hasText: 'WebAssembly' }).waitFor();
      await prepare(page);
      await page.evaluate(() => document.fonts.ready);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.evaluate(() => scrollTo(0, 0));
        const path = `${pictures}/${name}-${screen}-${colorScheme}`;
        await page.screenshot({ path: `${path}.png` });
        await page.screenshot({ path: `${path}-all.png`, fullPage: true });
        expect(await accessProblems(page), path).toEqual([]);
      }
      expect(await overflowing(page), `${name} on a ${screen}`).toEqual([]);
      expect(troubles).toEqual([]);
    }
  });
});

/** Elements that reach over the edge of the page, and texts that their own box cuts off. */
const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const name = (e: Element): string =>
      `${e.tagName} #${e.id} .${e.className}: ${e.textContent?.slice(0, 40)}`;
    const scrolls = (e: Element | null): boolean =>
      e !== null && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    return [...document.body.querySelectorAll('*')].flatMap((e) => {
      const { right, left, width } = e.getBoundingClientRect();
      if (width <= 1 || e.closest('.skip') || scrolls(e)) return [];
      const isOver = right > innerWidth + 1 || left < -1;
      const isCut =
        e.matches('button, label, p, h1, h2, span, option') &&
        e.scrollWidth > e.clientWidth + 1 &&
        getComputedStyle(e).display !== 'inline';
      return isOver || isCut ? [name(e)] : [];
    });
  });

interface Axe {
  run(options: object): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>;
}

/** What axe-core finds: contrast, names, roles, keyboard. */
async function accessProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`),
    );
  });
}

/**
 * The longest task of the page's main thread while something happens, in milliseconds of computing: by the clock it
 * would count what else the machine does.
 */
async function longestTask(
  page: Page,
  happen: () => Promise<void>,
): Promise<{ readonly cpu: number; readonly clock: number }> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) =>
    events.push(...(value as unknown as TraceEvent[])),
  );
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', '__metadata', 'devtools.timeline'] },
  });
  await happen();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  const mains = events.filter(
    ({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain',
  );
  const tasks = events.filter(
    ({ name, pid, tid }) =>
      /RunTask$/.test(name) && mains.some((m) => m.pid === pid && m.tid === tid),
  );
  const longest = (of: (event: TraceEvent) => number): number =>
    Math.max(0, ...tasks.map(of)) / 1000;
  return { cpu: longest((e) => e.tdur ?? 0), clock: longest((e) => e.dur ?? 0) };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds by the clock, and of the processor. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}
