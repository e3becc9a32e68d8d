import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reference, verify } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { conformanceCases } from '../src/cases.ts';
import { skipped } from '../src/vitest.ts';

describe('cases', () => {
  test('have names of their own, and more in full', () => {
    const names = (size: 'quick' | 'full'): string[] =>
      conformanceCases({ size }).map((c) => c.name);
    expect(new Set(names('full')).size).toBe(names('full').length);
    expect(names('full')).toEqual(expect.arrayContaining(names('quick')));
  });

  test('every program fits a device that binds 8 buffers', async () => {
    const backend = () => reference({ limits: { buffers: 8, align: 256 } });
    for (const { run } of conformanceCases({ size: 'full' })) await run(backend);
  });

  test('every program keeps the promises of the format', async () => {
    let programs = 0;
    const backend = () => {
      const inner = reference();
      return {
        ...inner,
        compile: (p: Parameters<typeof verify>[0]) => {
          verify(p);
          programs++;
          return inner.compile(p);
        },
      };
    };
    for (const { run } of conformanceCases({ size: 'quick' })) await run(backend);
    expect(programs).toBeGreaterThan(500);
  });
});

describe('skips', () => {
  const fails = () => Promise.reject(new Error('as expected'));
  test('need a reason, and a case that fails', async () => {
    await skipped(fails, 'the driver rounds twice');
    await expect(skipped(fails, ' ')).rejects.toThrow('no reason');
    await expect(skipped(async () => {}, 'old')).rejects.toThrow('Remove the skip');
  });
});

test('the cases run in plain Node, where vitest cannot be found', async () => {
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (name === 'vitest') throw new Error('vitest was imported');
        return next(name, context);
      },
    });
    const { conformanceCases } = await import('@ostinato/backend-testing/cases');
    const { reference } = await import('@ostinato/core/backend');
    const cases = conformanceCases({ size: 'quick' }).filter((c) => c.name.startsWith('memory'));
    for (const { run } of cases) await run(reference);
    console.log('ran', cases.length);`;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  expect(stdout.trim()).toBe('ran 7');
});
