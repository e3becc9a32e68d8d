/** What a device of its own can do to a training: grow full, be taken away, be left behind by a process that ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leaks } from '@ostinato/core';
import { dawnSeen } from '@ostinato/software-gpu/dawn';
import { describe, expect, test } from 'vitest';
import {
  adam,
  type Backend,
  type DoneEvent,
  type FitEvent,
  type FitOptions,
  fit,
  memoryStore,
} from '../src/index.ts';
import { hasGpu, openGpu } from './backends.ts';
import { loss, type Mlp, mlp, numbersOf, points } from './models.ts';
import type { Held } from './node/gpu-trainer.ts';

const trainer = fileURLToPath(new URL('./node/gpu-trainer.ts', import.meta.url));
// Objects die young here: with little room for them the process does not grow for their sake.
const flags = ['--expose-gc', '--max-semi-space-size=2'];

function startTraining(...args: (string | number)[]): ChildProcess {
  const words = [...flags, trainer, ...args.map(String)];
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Its exit code, or the signal that ended it, and what it said. */
async function endOf(child: ChildProcess): Promise<{ end: unknown; said: Held[] }> {
  const said: Held[] = [];
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  lines.on('line', (line) => said.push(JSON.parse(line)));
  const [code, signal] = await once(child, 'close');
  return { end: code ?? signal, said };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

describe.runIf(hasGpu)('on webgpu', { timeout: 180_000 }, () => {
  test('a thousand steps make nothing on the device, and the process stays as large as it was', async () => {
    const { end, said } = await endOf(startTraining(1104));
    expect(end).toBe(0);
    expect(said.map(({ step }) => step)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => n * 100),
    );
    for (const { made } of said) expect(made).toEqual(said[0]?.made);
    // What leaks grows in each hundred steps; a table of the engine's that is made larger once does not matter.
    const growth = (kind: 'heap' | 'resident'): number =>
      median(said.slice(1).map((held, k) => held[kind] - (said[k] as Held)[kind]));
    expect(growth('heap')).toBeLessThan(0.5); // MiB per hundred steps: 5 kB in each
    expect(growth('resident')).toBeLessThan(0.5);
  });

  describe('lost in the middle', () => {
    const data = points(30);
    const optionsOf = (backend: Backend): FitOptions<Mlp> => ({
      backend,
      optimizer: adam({ learningRate: 0.05 }),
      loss,
      epochs: 3,
      batch: 7,
      seed: 11,
      validationSplit: 0.2,
    });

    async function train(
      options: FitOptions<Mlp>,
      each: (event: FitEvent<Mlp>) => unknown = () => undefined,
    ): Promise<DoneEvent<Mlp>> {
      for await (const event of fit(mlp, data, options)) {
        await each(event);
        if (event.type === 'done') return event;
      }
      throw new Error('fit ended without a last event');
    }

    test('a training says so, and resumes from its last checkpoint to the bits of one that was left alone', async () => {
      const whole = await train(optionsOf((await openGpu()) as Backend));
      const checkpoint = { store: memoryStore(), everySteps: 3, resume: true };
      let lose = (): void => undefined;
      const gpu = dawnSeen((device) => {
        lose = () => device.destroy();
      });
      const first = await openGpu({ gpu });
      const options = { ...optionsOf(first as Backend), checkpoint };
      let pending: Promise<unknown> | undefined;
      const training = train(options, (event) => {
        if (event.type !== 'step' || event.step !== 8) return;
        pending = event.params();
        pending.catch(() => undefined); // looked at below
        lose();
      });
      const said = { code: 'device-lost', message: expect.stringMatching(/last checkpoint/) };
      await expect(training).rejects.toMatchObject(said);
      await expect(pending).rejects.toMatchObject(said);
      await expect(first.lost).resolves.toMatchObject({ reason: 'destroyed' });
      expect(() => first.alloc(4)).toThrow(/device was lost/);
      expect(leaks(first as Backend)).toEqual([]);
      first.dispose();

      const second = (await openGpu()) as Backend;
      let start: FitEvent<Mlp> | undefined;
      const resumed = await train({ ...options, backend: second }, (event) => {
        start ??= event;
      });
      expect(start).toMatchObject({ type: 'start', resumed: { step: 6 }, warnings: [] });
      expect(numbersOf(resumed)).toEqual(numbersOf(whole));
      expect(leaks(second)).toEqual([]);
    });
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    '%s in mid-run ends the process, and the next one trains',
    async (signal) => {
      const child = startTraining(1_000_000);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      child.kill(signal);
      expect((await endOf(child)).end).toBe(signal);
      expect((await endOf(startTraining(104))).end).toBe(0);
    },
  );

  test('a thread that trained to its end leaves the process free to end', async () => {
    const { end, said } = await endOf(startTraining(104, 'thread'));
    expect([end, said.length]).toEqual([0, 1]);
  });
});
