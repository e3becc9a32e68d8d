import { expect, test } from 'vitest';
import { reference } from '../src/backend/index.ts';
import { pickBackend } from '../src/trace/pick-backend.ts';

const broken = (): never => {
  throw new Error('no adapter');
};

test('the first backend that opens is taken, and it says why', async () => {
  const { backend, tried } = await pickBackend([broken, reference, broken]);
  expect(backend.name).toBe('reference');
  expect(tried).toEqual([
    'broken: no adapter',
    expect.stringMatching(/^reference: opened \(.+\)$/),
  ]);
});

test('if none opens, all reasons are named', async () => {
  await expect(pickBackend([broken])).rejects.toMatchObject({
    code: 'no-backend',
    message: expect.stringContaining('broken: no adapter'),
  });
});
