/** The backend: one heap, programs as modules, and the choice of variant with its reason. */
import { type Backend, fail, unlimited } from '@ostinato/core/backend';
import { assertCompiles, canPair, hasRelaxedSimd } from './engine.ts';
import { compileProgram } from './executable.ts';
import { Heap, MAXIMUM_PAGES, type WasmBuffer } from './memory.ts';
import type { Machine } from './module-builder.ts';
import type { Threads } from './target.ts';
import { noThreads, parallelism } from './threads/host.ts';
import type { Pool } from './threads/pool.ts';

export interface WasmOptions {
  /** Fused multiply-add from relaxed SIMD; on where the engine has it. */
  readonly relaxedSimd?: boolean;
  /** 256-bit vectors through V8's revectoriser; on where it works and a self-check finds the same bits. */
  readonly pairedSimd?: boolean;
  /**
   * How many threads share the work of large programs. By default as many as the machine offers, 4 at most; 1 where
   * there is no shared memory. Results have the same bits for any number.
   */
  readonly threads?: number;
  /** Elementary operations of an instruction from which on threads share it; 2 million by default. */
  readonly threadsFrom?: number;
}

/**
 * Waking a thread and waiting for it takes some 15 to 30 microseconds, in which one thread does about a million
 * operations. Below a few times that, threads cost more than they give.
 */
const THREADS_FROM = 2_000_000;

const MOST_THREADS = 4;

/** Opens the backend. Throws where the engine has no WebAssembly SIMD or a page's policy forbids compiling. */
export async function wasm(options: WasmOptions = {}): Promise<Backend<WasmBuffer>> {
  await assertCompiles();
  const notes: string[] = [];
  const relaxed = (options.relaxedSimd ?? true) && hasRelaxedSimd();
  notes.push(relaxed ? 'relaxed SIMD: fused multiply-add' : 'no relaxed SIMD: multiply, then add');
  const pairs = await choosePairs(options, relaxed, notes);
  const { threadsFrom = THREADS_FROM } = options;
  const threads = { count: threadCount(options, notes), from: threadsFrom };
  return open({ relaxed, threads, ...pairs }, notes);
}

type Pairs = Pick<Machine, 'pairs'>;

async function choosePairs(
  options: WasmOptions,
  relaxed: boolean,
  notes: string[],
): Promise<Pairs> {
  if (options.pairedSimd === false) {
    notes.push('128-bit vectors: paired SIMD is switched off');
    return {};
  }
  const pair = canPair();
  if (!pair.yes) {
    notes.push(`128-bit vectors: ${pair.why}`);
    return {};
  }
  // Pages cannot pair, so none loads these.
  const [{ agreesWithPlain }, { pairs }] = await Promise.all([
    import('./self-check.ts'),
    import('./pairing.ts'),
  ]);
  const threads = { count: 1, from: THREADS_FROM };
  const openOn = (paired: boolean): Backend<WasmBuffer> =>
    open({ relaxed, threads, ...(paired ? { pairs } : {}) }, []);
  if (await agreesWithPlain(openOn)) {
    notes.push(`256-bit vectors: ${pair.why}, self-check passed`);
    return { pairs };
  }
  notes.push('128-bit vectors: the self-check of paired SIMD found other bits');
  return {};
}

function threadCount(options: WasmOptions, notes: string[]): number {
  const { threads } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    fail('option-invalid', `wasm: threads is ${threads}. Give a whole number from 1 up.`);
  const why = noThreads();
  const wanted = threads ?? Math.min(MOST_THREADS, parallelism());
  if (wanted === 1 || why === undefined) {
    notes.push(`threads: ${wanted}`);
    return wanted;
  }
  notes.push(`threads: 1 (${why})`);
  return 1;
}

interface Choice extends Pairs {
  readonly relaxed: boolean;
  readonly threads: Threads;
}

function open({ relaxed, threads, ...pairs }: Choice, notes: string[]): Backend<WasmBuffer> {
  const heap = new Heap({ shared: threads.count > 1 });
  const executables = new Set<{ dispose(): void }>();
  let pool: Promise<Pool | undefined> | undefined;
  const startPool = async (): Promise<Pool | undefined> => {
    const { CONTROL_BYTES, Pool } = await import('./threads/pool.ts');
    const control = heap.alloc(CONTROL_BYTES, 'control');
    try {
      return await Pool.open(heap.memory, control.address, threads.count);
    } catch (error) {
      heap.free(control);
      notes.push(`threads: 1 after all (workers do not start: ${(error as Error).message})`);
      return undefined;
    }
  };
  const machine = {
    heap,
    target: { relaxed, paired: false },
    threads,
    ...pairs,
    pool(): Promise<Pool | undefined> {
      pool ??= startPool();
      return pool;
    },
  };
  const variant = `${pairs.pairs ? 'simd256' : 'simd128'}${relaxed ? '+fma' : ''}`;
  return {
    name: 'wasm',
    limits: { ...unlimited, bufferBytes: MAXIMUM_PAGES * 65536, bindingBytes: 2 ** 31 },
    info: () => ({ name: 'wasm', variant, notes }),
    alloc: (bytes, label) => heap.alloc(bytes, label),
    free: (buffer) => heap.free(buffer),
    write: (buffer, data, at) => heap.write(buffer, data, at),
    read: (buffer, at, bytes) => heap.read(buffer, at, bytes),
    async compile(program) {
      const executable = await compileProgram(machine, program);
      executables.add(executable);
      return {
        run: executable.run,
        dispose() {
          if (executables.delete(executable)) executable.dispose();
        },
      };
    },
    dispose() {
      for (const e of executables) e.dispose();
      executables.clear();
      pool?.then((p) => p?.dispose()).catch(() => undefined);
    },
  };
}
