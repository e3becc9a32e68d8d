/** The functions of one module and the static memory they use. Knows no instruction of a program. */
import { type Func, FunctionBuilder, type Local } from './assembler/function.ts';
import { i32, type Value } from './assembler/instructions.ts';
import type { Heap, WasmBuffer } from './memory.ts';
import type { Target, Threads } from './target.ts';

/** Static memory of which every thread has its own copy. */
export type PerThread = (thread: Value<'i32'>) => Value<'i32'>;

export class ModuleBuilder {
  readonly target: Target;
  readonly threads: Threads;
  readonly functions: Func[] = [];
  readonly statics: WasmBuffer[] = [];
  private readonly heap: Heap;

  constructor(heap: Heap, target: Target, threads: Threads) {
    this.heap = heap;
    this.target = target;
    this.threads = threads;
  }

  /** Memory that lives as long as the module, at a constant address. */
  reserve(bytes: number, label: string): Value<'i32'> {
    const buffer = this.heap.alloc(bytes, label);
    this.statics.push(buffer);
    return i32.const(buffer.address);
  }

  /** The same for each thread. Copies start on cache lines, so that threads do not fight for one. */
  reservePerThread(bytes: number, label: string): PerThread {
    const step = Math.ceil(bytes / 64) * 64;
    const base = this.reserve(step * this.threads.count, label);
    return (thread) => i32.add(i32.mul(thread, step), base);
  }

  /** Adds an exported function with one i32 parameter per name, and gives its number. */
  define(
    name: string,
    params: readonly string[],
    body: (f: FunctionBuilder, params: readonly Local<'i32'>[]) => void,
  ): number {
    const f = new FunctionBuilder(name, { exported: true });
    body(
      f,
      params.map((p) => f.param('i32', p)),
    );
    return this.functions.push(f.finish()) - 1;
  }
}
