import { peek, run, tensor } from '@ostinato/core';
import {
  apply,
  arg,
  hostMemory,
  kernelBackend,
  type Program,
  programBuilder,
  reference,
  referenceKernels,
  window,
} from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { lstm } from '../src/bodies.ts';
import { around } from '../src/cases/scans.ts';
import {
  conformanceCases,
  counting,
  countingKernels,
  countingMemory,
  countLaunches,
  newCounters,
} from '../src/index.ts';
import { random } from '../src/random.ts';
import { bind, inputsFor, release, runBound } from '../src/run.ts';

const recurrence = (): Program =>
  around(lstm({ rows: 2, units: 3, arenas: 1 }), { length: 5, finals: 'scratch', arenas: 1 });

test('a program shows what it launches: one product and one loop per step of an LSTM', () => {
  const { total, loop, scan, scans } = countLaunches(recurrence());
  expect({ total, loop, scan }).toEqual({ total: 5, loop: 4, scan: 1 });
  expect(scans).toMatchObject([
    { length: 5, perStep: { total: 2, contract: 1, loop: 1, scans: [] } },
  ]);
});

test('a look counts as a read, and once, whether memory shows its bytes or not', async () => {
  for (const shows of [true, false]) {
    const counters = newCounters();
    const { view: _, ...hidden } = hostMemory();
    const memory = countingMemory(shows ? hostMemory() : hidden, counters);
    const backend = kernelBackend('counted', memory, referenceKernels());
    const x = await run(backend, tensor([1, 2]));
    expect(await peek(x, ({ data }) => data[1])).toBe(2);
    expect(counters.reads).toBe(1);
    x.dispose();
  }
});

test('kernels and memory count what happens', async () => {
  const counters = newCounters();
  const memory = countingMemory(hostMemory(), counters);
  const kernels = countingKernels({ ...referenceKernels() }, counters);
  const backend = kernelBackend('counted', memory, kernels);
  const program = recurrence();
  const executable = await backend.compile(program);
  expect(counters.prepared).toMatchObject({ contract: 1, loop: 5 });
  // The program's arena and the body's; two carries, twice.
  expect(counters.allocs).toBe(6);
  const bound = bind(backend, program, inputsFor(program, random('count')));
  for (const _ of [1, 2]) runBound(executable, bound);
  expect(counters.launches).toEqual({
    loop: 2 * (4 + 5),
    contract: 10,
    gather: 0,
    scatter: 0,
    scan: 0,
  });
  release(backend, bound);
  executable.dispose();
  expect(counters.frees).toBe(counters.allocs);
  expect(counters.bytesFreed).toBe(counters.bytesAllocated);
  expect(() => backend.free(new ArrayBuffer(8))).toThrow('Free it once');
});

test('a backend without kernels to wrap counts what its programs say', async () => {
  const { backend, counters } = counting(reference());
  const program = recurrence();
  const executable = await backend.compile(program);
  const bound = bind(backend, program, inputsFor(program, random('count')));
  runBound(executable, bound);
  expect(counters.launches).toEqual({ loop: 9, contract: 5, gather: 0, scatter: 0, scan: 1 });
  expect(counters).toMatchObject({ compiles: 1, runs: 1, allocs: 7, writes: 7 });
  release(backend, bound);
});

test('a scan kernel counts as one launch', async () => {
  const counters = newCounters();
  const scan = async (): Promise<{ launch(): void; dispose(): void }> => ({
    launch() {},
    dispose() {},
  });
  const kernels = countingKernels({ ...referenceKernels(), scan }, counters);
  const backend = kernelBackend('counted', hostMemory(), kernels);
  const executable = await backend.compile(recurrence());
  const bound = bind(backend, recurrence(), new Map());
  runBound(executable, bound);
  expect(counters.launches).toMatchObject({ scan: 1, contract: 0, loop: 4 });
});

const leakCase = (live: () => number) =>
  conformanceCases({ size: 'quick', liveBuffers: live }).filter((c) => c.name.includes('frees'));

test('the suite sees a leak where it can count buffers', async () => {
  const counters = newCounters();
  const live = (): number => counters.allocs - counters.frees;
  const memory = countingMemory(hostMemory(), counters);
  const right = () => kernelBackend('right', memory, referenceKernels());
  for (const { run } of leakCase(live)) await run(right);
  const leaky = () => {
    const backend = right();
    return {
      ...backend,
      compile: async (p: Program) => ({ ...(await backend.compile(p)), dispose() {} }),
    };
  };
  expect(leakCase(live)).toHaveLength(1);
  for (const { run } of leakCase(live))
    await expect(run(leaky)).rejects.toThrow('buffers are alive');
});

test('a backend that binds few buffers is told which program does not fit', async () => {
  const b = programBuilder();
  const x = [0, 1, 2].map((k) => window(b.input(`x${k}`, 'float32', 2), [1]));
  const sum = apply('add', arg(0), apply('add', arg(1), arg(2)));
  b.loop({ shape: [2], args: x, body: [sum], outs: [window(b.output('y', 'float32', 2), [1])] });
  await expect(reference({ limits: { buffers: 3 } }).compile(b.program())).rejects.toThrow(
    'touches 4 buffers',
  );
});
