import { OstinatoError } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { type Health, type Watched, watch } from '../src/health.ts';

/** Stand-ins for the browser's classes, which Node lacks: errors are told apart by these names. */
const errors = { GPUOutOfMemoryError: class {}, GPUValidationError: class {} };

/** A device that does nothing but fail. */
function device() {
  let lose: (info: { message: string; reason: string }) => void = () => undefined;
  const target = new EventTarget();
  const lost = new Promise<{ message: string; reason: string }>((resolve) => {
    lose = resolve;
  });
  const refuse = (kind: keyof typeof errors, message: string): void => {
    const error = Object.assign(new errors[kind](), { message });
    target.dispatchEvent(Object.assign(new Event('uncapturederror'), { error }));
  };
  const add = target.addEventListener.bind(target);
  return { lose, refuse, watched: { lost, addEventListener: add } as unknown as Watched };
}

const codeOf = (health: Health): unknown => {
  try {
    health.check('read');
    return undefined;
  } catch (error) {
    return (error as OstinatoError).code;
  }
};

test('a healthy device passes', () => {
  expect(codeOf(watch(device().watched))).toBeUndefined();
});

test('a lost device says so, why, and what to do', async () => {
  const { lose, watched } = device();
  const health = watch(watched);
  lose({ message: 'the driver was reset', reason: 'unknown' });
  await Promise.resolve();
  expect(() => health.check('run')).toThrow(
    /run failed: the device was lost \(the driver was reset\)\. Open a new backend.+device-lost/,
  );
});

test('the first error counts, and a loss explains all others', async () => {
  const { lose, refuse, watched } = device();
  const health = watch(watched);
  refuse('GPUOutOfMemoryError', 'no 8 GiB left');
  refuse('GPUValidationError', 'an invalid buffer');
  expect(() => health.check('read')).toThrow(/did not fit \(no 8 GiB left\)/);
  expect(codeOf(health)).toBe('out-of-memory');
  lose({ message: '', reason: 'unknown' });
  await Promise.resolve();
  expect(codeOf(health)).toBe('device-lost');
});

test('what the device refuses is our fault', () => {
  const { refuse, watched } = device();
  const health = watch(watched);
  refuse('GPUValidationError', 'bind group 0 is missing\nin a pass');
  expect(() => health.check('read')).toThrow(/\(bind group 0 is missing\).+report it/);
  expect(codeOf(health)).toBe('program-invalid');
});

test('a read that fails by itself counts as a loss', () => {
  const health = watch(device().watched);
  const read = (): never => health.explain('read', new Error('mapping was aborted'));
  expect(read).toThrow(OstinatoError);
  expect(read).toThrow(/mapping was aborted.+device-lost/);
});

test('after dispose every call says that it comes too late, also when the device then goes', async () => {
  const { lose, watched } = device();
  const health = watch(watched);
  health.retire();
  lose({ message: '', reason: 'destroyed' });
  await Promise.resolve();
  expect(codeOf(health)).toBe('disposed');
});
