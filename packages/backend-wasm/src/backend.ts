/** The backend: one heap, programs as modules, and the choice of variant with its reason. */
import { type Backend, checkOptions, fail, unlimited } from '@ostinato/core/backend';
import { assertCompiles, fusesMultiplyAdd } from './engine/features.ts';
import { compileProgram, type Host } from './executable.ts';
import type { Team } from './jobs.ts';
import { Heap, type WasmBuffer } from './memory.ts';
import { MAXIMUM_BUFFERS, type Threads } from './target.ts';

export interface WasmOptions {
  /** Fused multiply-add from relaxed SIMD; on where the engine has it. */
  readonly relaxedSimd?: boolean | undefined;
  /** 256-bit vectors through V8's revectoriser; on where it works and a self-check finds the same bits. */
  readonly pairedSimd?: boolean | undefined;
  /**
   * How many threads share the work of large programs. By default as many as the machine offers, 4 at most; 1 where
   * there is no shared memory. Results have the same bits for any number.
   */
  readonly threads?: number | undefined;
  /**
   * Elementary operations of an instruction from which on threads share it, and fewer where they are awake for another one
   * of its program; 2 million by default.
   */
  readonly threadsFrom?: number | undefined;
}

/**
 * Waking a thread and waiting for it takes some 15 to 30 microseconds, in which one thread does about a million
 * operations. Below a few times that, threads cost more than they give.
 */
const THREADS_FROM = 2_000_000;

/** Opens the backend. Throws where the engine has no WebAssembly SIMD or a page's policy forbids compiling. */
export const wasm = (options: WasmOptions = {}): Promise<Backend<WasmBuffer>> =>
  openWasm(options, {});

/** What tests choose, and nobody else. */
interface Forced extends Pick<Host, 'sinks' | 'strips'> {
  /** Whether a worker leads the threads; where it must, unless stated. */
  readonly led?: boolean;
}

export async function openWasm(
  options: WasmOptions,
  { led, ...forced }: Forced,
): Promise<Backend<WasmBuffer>> {
  checkOptions('wasm', options, 'relaxedSimd, pairedSimd, threads, threadsFrom');
  await assertCompiles();
  const notes: string[] = [];
  const relaxed = (options.relaxedSimd ?? true) && (await fusesMultiplyAdd());
  notes.push(relaxed ? 'relaxed SIMD: fused multiply-add' : 'no relaxed SIMD: multiply, then add');
  const engine = await chooseEngine(options, relaxed, notes);
  return open(
    { relaxed, ...engine, ...forced, threads: await chooseThreads(options, led, notes) },
    notes,
  );
}

/** How modules are compiled here. */
export interface Engine
  extends Pick<Host, 'compileModule' | 'pairs' | 'keepsApart' | 'extras' | 'sinks' | 'strips'> {
  /** Memory is shared for one thread, too. */
  readonly sharedMemory?: boolean;
}

const oneThread: Threads = { count: 1, partsOf: () => undefined, worth: () => false };

/** As pages do, without blocking: on its main thread a page may not compile more than 4 kB at once. */
const plainEngine: Engine = { compileModule: (bytes) => WebAssembly.compile(bytes) };

async function chooseEngine(
  { pairedSimd }: WasmOptions,
  relaxed: boolean,
  notes: string[],
): Promise<Engine> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node) {
    // Where all files are near. No page loads it.
    const { nodeEngine } = await import('./engine/node.ts');
    return nodeEngine(
      pairedSimd ?? true,
      (engine) => open({ relaxed, ...engine, threads: oneThread }, []),
      notes,
    );
  }
  notes.push('128-bit vectors: not in Node');
  return plainEngine;
}

async function chooseThreads(
  { threads: count, threadsFrom: from = THREADS_FROM }: WasmOptions,
  led: boolean | undefined,
  notes: string[],
): Promise<Threads> {
  if (count !== undefined && (!Number.isInteger(count) || count < 1))
    fail('option-invalid', `wasm: threads is ${count}. Give a whole number from 1 up.`);
  if (count === 1 || typeof SharedArrayBuffer === 'undefined') {
    const why = ' (no SharedArrayBuffer: a page needs COOP and COEP)';
    notes.push(`threads: 1${count === 1 ? '' : why}`);
    return oneThread;
  }
  const chosen = (await import('./threads/index.ts')).chooseThreads({ count, from, led });
  notes.push(`threads: ${chosen.note}`);
  return chosen.threads ?? oneThread;
}

interface Choice extends Engine {
  readonly relaxed: boolean;
  readonly threads: Threads;
}

function open(
  { relaxed, threads, sharedMemory = false, ...engine }: Choice,
  notes: string[],
): Backend<WasmBuffer> {
  const heap = new Heap({ shared: sharedMemory || threads.count > 1 });
  const executables = new Set<{ dispose(): void }>();
  let closed = false;
  let team: Promise<Team | undefined> | undefined;
  const startTeam = async (): Promise<Team | undefined> => {
    try {
      return await threads.start?.(heap);
    } catch (error) {
      notes.splice(-1, 1, `threads: 1 (workers do not start: ${(error as Error).message})`);
      return undefined;
    }
  };
  const host: Host = {
    heap,
    target: { relaxed, paired: false },
    threads,
    ...engine,
    team() {
      team ??= startTeam();
      return team;
    },
  };
  const close = (): void => {
    if (!closed) heap.release();
    closed = true;
    for (const e of executables) e.dispose();
    executables.clear();
    team?.then((t) => t?.dispose()).catch(() => {});
  };
  const variant = `simd${engine.pairs ? 256 : 128}${relaxed ? '+fma' : ''}`;
  return {
    name: 'wasm',
    limits: {
      ...unlimited,
      buffers: MAXIMUM_BUFFERS,
      bufferBytes: 2 ** 32, // memory32 ends there
      bindingBytes: 2 ** 31,
    },
    info: () => ({ name: 'wasm', variant, notes }),
    alloc: (bytes, label) => heap.alloc(bytes, label),
    free: (buffer) => heap.free(buffer),
    write: (buffer, data, at) => heap.write(buffer, data, at),
    read: (buffer, at, bytes, into) => heap.read(buffer, at, bytes, into),
    view: (buffer, at, bytes) => heap.view(buffer, at, bytes),
    async compile(program) {
      const executable = await compileProgram(host, program);
      executables.add(executable);
      // Who compiles while it ends, or after, may have started threads again.
      if (closed) close();
      return {
        run(inputs, outputs) {
          // What it computed in may be another one's by now.
          if (!executables.has(executable)) fail('disposed', 'wasm: was disposed. Compile again.');
          executable.run(inputs, outputs);
        },
        dispose() {
          if (executables.delete(executable)) executable.dispose();
        },
      };
    },
    dispose: close,
  };
}
