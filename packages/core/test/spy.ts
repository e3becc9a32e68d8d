/** A backend that remembers what was asked of it: buffers that live, programs compiled, runs and their buffers. */
import {
  type Backend,
  fail,
  hostMemory,
  kernelBackend,
  type Program,
  type Ref,
  reference,
  referenceKernels,
} from '../src/backend/index.ts';

export interface Spy extends Backend<ArrayBuffer> {
  /** Buffers allocated and not freed. */
  readonly live: Map<ArrayBuffer, string>;
  allocs: number;
  writes: number;
  readonly programs: Program[];
  readonly runs: {
    inputs: readonly Ref<ArrayBuffer>[];
    outputs: readonly Ref<ArrayBuffer>[];
  }[];
  executables: number;
  /** Makes the next alloc, compile or run fail. */
  failNext: 'alloc' | 'compile' | 'run' | undefined;
}

export function spying(inner: Backend<ArrayBuffer> = reference()): Spy {
  const trip = (what: Spy['failNext']): void => {
    if (spy.failNext !== what) return;
    spy.failNext = undefined;
    fail('out-of-memory', `spy: ${what} fails, as the test asked. Nothing to do.`);
  };
  const spy: Spy = {
    ...inner,
    live: new Map(),
    allocs: 0,
    writes: 0,
    programs: [],
    runs: [],
    executables: 0,
    failNext: undefined,
    alloc(bytes, label = '') {
      trip('alloc');
      const buffer = inner.alloc(bytes, label);
      spy.allocs++;
      spy.live.set(buffer, label);
      return buffer;
    },
    free(buffer) {
      if (!spy.live.delete(buffer)) throw new Error('freed twice');
      inner.free(buffer);
    },
    write(buffer, data, at) {
      spy.writes++;
      inner.write(buffer, data, at);
    },
    async compile(program) {
      trip('compile');
      spy.programs.push(program);
      const executable = await inner.compile(program);
      spy.executables++;
      return {
        run(inputs, outputs) {
          trip('run');
          spy.runs.push({ inputs, outputs });
          executable.run(inputs, outputs);
        },
        dispose() {
          spy.executables--;
          executable.dispose();
        },
      };
    },
  };
  return spy;
}

/** A `kernelBackend` over host memory that counts kernels and balances allocations of its own. */
export function counted(options: { failKernel?: number } = {}) {
  const memory = hostMemory();
  const kernels = referenceKernels();
  const counts = { launches: 0, live: 0, kernels: 0 };
  const launch =
    <I>(make: (instr: I) => (refs: readonly Ref<ArrayBuffer>[]) => void) =>
    (instr: I) => {
      if (++counts.kernels === options.failKernel)
        fail('out-of-memory', 'counted: this kernel fails, as the test asked. Nothing to do.');
      const run = make(instr);
      return (refs: readonly Ref<ArrayBuffer>[]) => {
        counts.launches++;
        run(refs);
      };
    };
  const backend = kernelBackend<ArrayBuffer>(
    'counted',
    {
      ...memory,
      alloc(bytes, label) {
        counts.live++;
        return memory.alloc(bytes, label);
      },
      free(buffer) {
        counts.live--;
        memory.free(buffer);
      },
    },
    {
      loop: launch(kernels.loop),
      contract: launch(kernels.contract),
      gather: launch(kernels.gather),
      scatter: launch(kernels.scatter),
    },
  );
  return { backend, counts };
}
