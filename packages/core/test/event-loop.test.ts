/** Giving way to others, with whatever the host has for it. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { reference } from '../src/backend/index.ts';
import { add, compile, dispose, run, type Tensor, zeros } from '../src/index.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** What a host is like is seen when the file is loaded. */
function load(): Promise<typeof import('../src/trace/event-loop.ts')> {
  vi.resetModules();
  return import('../src/trace/event-loop.ts');
}

const hosts = {
  setImmediate: [],
  MessageChannel: ['setImmediate'],
  setTimeout: ['setImmediate', 'MessageChannel'],
};

describe.each(Object.entries(hosts))('with %s', (_, missing) => {
  test('a timer that is due fires before the next task for ever resumes', async () => {
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 1);
    for (const name of missing) vi.stubGlobal(name, undefined);
    const { now, nextTask } = await load();
    const started = now();
    while (!fired && now() - started < 1000) await nextTask();
    expect(fired).toBe(true);
  });
});

test('it is time before the next piece would make it too long, and not otherwise', async () => {
  let time = 0;
  vi.stubGlobal('performance', { now: () => time });
  const { due, rest } = (await load()).breather();
  const rested: number[] = [];
  for (time = 15; time <= 150; time += 15)
    if (due()) {
      rested.push(time);
      await rest();
    }
  expect(rested).toEqual([30, 60, 90, 120, 150]); // after 30 ms the next 15 would end beyond 40
  time += 500;
  expect(due()).toBe(true);
});

describe('a loop that awaits nothing but calls', () => {
  const one = async (calls: number, until: () => boolean): Promise<void> => {
    const backend = reference();
    const step = compile(backend, (x: Tensor) => add(x, 1));
    let x = await run(backend, zeros([1000]));
    for (let i = 0; i < calls && !until(); i++) {
      const next = await step(x);
      dispose(x);
      x = next;
    }
    backend.dispose();
  };

  test('leaves room for timers', async () => {
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 1);
    await one(1e7, () => fired);
    expect(fired).toBe(true);
  });

  test('goes on where a test pretends time', async () => {
    vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout'] });
    const start = performance.now();
    await one(1e7, () => performance.now() - start > 100);
  });
});
