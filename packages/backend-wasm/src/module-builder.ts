/** The functions of one program and the static memory they use. Knows no instruction of a program. */
import type { BufferUse, Instr, Program } from '@ostinato/core/backend';
import { type Encoded, encodeFunction } from './assembler/encode.ts';
import { FunctionBuilder, type Local } from './assembler/function.ts';
import { i32, type Value } from './assembler/instructions.ts';
import type { Plan } from './loop/axes.ts';
import type { Heap, WasmBuffer } from './memory.ts';
import type { Extras } from './need.ts';
import type { SinkLimits } from './passes/sink.ts';
import type { Target, Threads } from './target.ts';
import type { StripLimits } from './together/strips.ts';

/** Static memory of which every thread has its own copy. */
export type PerThread = (thread: Value<'i32'>) => Value<'i32'>;

/** Where a program runs. */
export interface Machine {
  readonly heap: Heap;
  readonly target: Target;
  readonly threads: Threads;
  /** Which instructions V8 compiles with pairs of vectors, given a loop's plan; none unless stated. */
  readonly pairs?: (instr: Instr, plan?: Plan) => boolean;
  /**
   * V8 must make no pairs in other functions either, whatever its flags say: they belong to the whole process, and another
   * thread may have switched the revectoriser on while this one compiles. It begins from stores beside one another, which it
   * knows by their offsets; so there each store gets an address of its own.
   */
  readonly keepsApart?: boolean;
  /** Loaded for programs that need them. */
  extras?: Extras;
  /** When products sink into time loops, and when loops run in strips, unless as usual. */
  readonly sinks?: SinkLimits;
  readonly strips?: StripLimits;
}

export class ModuleBuilder {
  readonly machine: Machine;
  /** Two modules on one memory: V8 pairs the vectors of all functions of a module or of none. */
  readonly functions = { paired: [] as Encoded[], plain: [] as Encoded[] };
  /** What is reserved. */
  readonly #statics: WasmBuffer[];

  constructor(machine: Machine, statics: WasmBuffer[]) {
    this.machine = machine;
    this.#statics = statics;
  }

  /** Memory that lives as long as the module, at a constant address. */
  reserve(bytes: number, label: string): Value<'i32'> {
    const buffer = this.machine.heap.alloc(bytes, label);
    this.#statics.push(buffer);
    return i32.const(buffer.address);
  }

  /** The same for each thread. Copies start on cache lines, so that threads do not fight for one. */
  reservePerThread(bytes: number, label: string): PerThread {
    const step = Math.ceil(bytes / 64) * 64;
    const base = this.reserve(step * this.machine.threads.count, label);
    return (thread) => i32.add(i32.mul(thread, step), base);
  }

  /** Where a program's own buffers lie, each reserved at its first use; undefined: it is the caller's. */
  homesIn<Home>(
    { slots, scratch, inputs, outputs }: Program,
    reserve: (bytes: number, label: string) => Home,
  ): (use: BufferUse) => Home | undefined {
    const homes = new Map<string, Home>();
    const callers = [...inputs, ...outputs];
    return ({ source, index }) => {
      if (source === 'slot' && callers.includes(index)) return undefined;
      const label = `${source}${index}`;
      const bytes = source === 'arena' ? scratch[index] : 4 * (slots[index]?.size ?? 0);
      const home = homes.get(label) ?? reserve(bytes as number, label);
      homes.set(label, home);
      return home;
    };
  }

  /** Adds a function with one i32 parameter per name. */
  define(
    name: string,
    params: readonly string[],
    paired: boolean,
    body: (f: FunctionBuilder, params: readonly Local<'i32'>[]) => void,
  ): Encoded {
    const f = new FunctionBuilder(name, { storesApart: !paired && this.machine.keepsApart });
    body(
      f,
      params.map((p) => f.param('i32', p)),
    );
    const code = encodeFunction(f.finish());
    this.functions[paired ? 'paired' : 'plain'].push(code);
    return code;
  }
}
