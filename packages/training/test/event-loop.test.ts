/** Giving way to others, with whatever the host has for it. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { breather, nextTask, now } from '../src/event-loop.ts';

afterEach(() => vi.unstubAllGlobals());

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
    const started = now();
    while (!fired && now() - started < 1000) await nextTask();
    expect(fired).toBe(true);
  });
});

test('it rests before the next piece would make it too long, and not otherwise', async () => {
  let time = 0;
  vi.stubGlobal('performance', { now: () => time });
  const { rest } = breather();
  const rested: number[] = [];
  for (time = 15; time <= 150; time += 15) if (await rest()) rested.push(time);
  expect(rested).toEqual([30, 60, 90, 120, 150]); // after 30 ms the next 15 would end beyond 40
  time += 500;
  expect(await rest()).toBe(true);
});
