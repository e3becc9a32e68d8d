/** Backends that count: launches, buffers and bytes, by wrapping memory, kernels or a whole backend. */
import type { Backend, Instr, Kernels, Launch, Memory, OwningLaunch } from '@ostinato/core/backend';
import { countLaunches, type LaunchCount } from './launches.ts';

export interface Counters {
  allocs: number;
  frees: number;
  bytesAllocated: number;
  bytesFreed: number;
  writes: number;
  bytesWritten: number;
  reads: number;
  /** Kernels prepared, and launched, by kind. */
  readonly prepared: { [K in Instr['kind']]: number };
  readonly launches: { [K in Instr['kind']]: number };
  compiles: number;
  runs: number;
}

const none = (): Counters['launches'] => ({ loop: 0, contract: 0, gather: 0, scatter: 0, scan: 0 });

export const newCounters = (): Counters => ({
  allocs: 0,
  frees: 0,
  bytesAllocated: 0,
  bytesFreed: 0,
  writes: 0,
  bytesWritten: 0,
  reads: 0,
  prepared: none(),
  launches: none(),
  compiles: 0,
  runs: 0,
});

/** Counts what goes through; freeing a buffer twice, or one that is not from here, throws. */
export function countingMemory<B>(memory: Memory<B>, counters: Counters): Memory<B> {
  const sizes = new Map<B, number>();
  return {
    alloc(bytes, label) {
      const buffer = memory.alloc(bytes, label);
      sizes.set(buffer, bytes);
      counters.allocs++;
      counters.bytesAllocated += bytes;
      return buffer;
    },
    free(buffer) {
      const bytes = sizes.get(buffer);
      if (bytes === undefined) throw new Error('free: this buffer is not alive. Free it once.');
      sizes.delete(buffer);
      counters.frees++;
      counters.bytesFreed += bytes;
      memory.free(buffer);
    },
    write(buffer, data, at) {
      counters.writes++;
      counters.bytesWritten += data.byteLength;
      memory.write(buffer, data, at);
    },
    read(buffer, at, bytes, into) {
      counters.reads++;
      return memory.read(buffer, at, bytes, into);
    },
    view(buffer, at, bytes) {
      const view = memory.view?.(buffer, at, bytes);
      if (view) counters.reads++; // who gets none reads instead
      return view;
    },
  };
}

/**
 * Counts launches by kind. What a kernel set lacks stays absent, so what core derives from loops counts as loops; the
 * steps of a scan without a kernel count one by one.
 */
export function countingKernels<B>(kernels: Kernels<B>, counters: Counters): Kernels<B> {
  const counted = (kind: Instr['kind'], launch: Launch<B>): Launch<B> => {
    counters.prepared[kind]++;
    return (refs) => {
      counters.launches[kind]++;
      launch(refs);
    };
  };
  const { contract, gather, scatter, scan, record } = kernels;
  return {
    loop: async (i) => counted('loop', await kernels.loop(i)),
    ...(contract && {
      contract: async (i) => counted('contract', await contract.call(kernels, i)),
    }),
    ...(gather && { gather: async (i) => counted('gather', await gather.call(kernels, i)) }),
    ...(scatter && { scatter: async (i) => counted('scatter', await scatter.call(kernels, i)) }),
    ...(scan && {
      async scan(i): Promise<OwningLaunch<B> | null> {
        const owning = await scan.call(kernels, i);
        if (!owning) return null;
        return { launch: counted('scan', owning.launch), dispose: () => owning.dispose() };
      },
    }),
    ...(record && { record: (launches) => record.call(kernels, launches) }),
  };
}

/**
 * Counts what passes through a backend's own interface. Launches are read off the program, and a scan counts as its
 * steps: for what a backend really launches, wrap its memory and kernels.
 */
export function counting<B>(backend: Backend<B>): { backend: Backend<B>; counters: Counters } {
  const counters = newCounters();
  const memory = countingMemory<B>(backend, counters);
  return {
    counters,
    backend: {
      ...memory,
      name: backend.name,
      limits: backend.limits,
      info: () => backend.info(),
      async compile(program) {
        const executable = await backend.compile(program);
        counters.compiles++;
        const launches = flatten(countLaunches(program));
        return {
          run(inputs, outputs) {
            executable.run(inputs, outputs);
            counters.runs++;
            for (const kind of Object.keys(launches) as Instr['kind'][])
              counters.launches[kind] += launches[kind];
          },
          dispose: () => executable.dispose(),
        };
      },
      dispose: () => backend.dispose(),
    },
  };
}

/** Launches by kind, those inside scans times their steps. */
function flatten(count: LaunchCount): Counters['launches'] {
  const { loop, contract, gather, scatter, scan } = count;
  const sum = { loop, contract, gather, scatter, scan };
  for (const { length, perStep } of count.scans) {
    const inner = flatten(perStep);
    for (const kind of Object.keys(inner) as Instr['kind'][]) sum[kind] += length * inner[kind];
  }
  return sum;
}
