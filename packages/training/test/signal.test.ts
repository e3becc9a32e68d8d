import { expect, test } from 'vitest';
import { isAbort, throwIfAborted } from '../src/signal.ts';

const thrown = (act: () => void): unknown => {
  try {
    act();
  } catch (e) {
    return e;
  }
};

test.each([undefined, null, new Error('enough'), 'enough', 0])(
  'what a signal with the reason %s throws is its abort, and what fails meanwhile is none',
  (reason) => {
    const signal = { aborted: true, reason };
    const error = thrown(() => throwIfAborted(signal));
    expect(error).toBe(reason ?? error);
    expect(isAbort(error, signal)).toBe(true);
    expect(isAbort(new Error('device lost'), signal)).toBe(false);
    expect(isAbort(null, signal)).toBe(false);
    expect(isAbort(error, { aborted: false, reason })).toBe(false);
    expect(isAbort(error, undefined)).toBe(false);
  },
);

test('a signal that is not aborted throws nothing', () => {
  expect(() => throwIfAborted({ aborted: false, reason: new Error('enough') })).not.toThrow();
  expect(() => throwIfAborted(undefined)).not.toThrow();
});
