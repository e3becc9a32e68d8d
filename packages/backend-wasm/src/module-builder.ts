/** The functions of one module and the static memory they use. Knows no instruction of a program. */
import { FunctionBuilder, type Func, type Local } from './assembler/function.ts';
import { i32, type Value } from './assembler/instructions.ts';
import type { Target } from './target.ts';
import type { Heap, WasmBuffer } from './memory.ts';

export class ModuleBuilder {
  readonly target: Target;
  readonly functions: Func[] = [];
  readonly statics: WasmBuffer[] = [];
  private readonly heap: Heap;

  constructor(heap: Heap, target: Target) {
    this.heap = heap;
    this.target = target;
  }

  /** Memory that lives as long as the module, at a constant address. */
  static_(bytes: number, label: string): Value<'i32'> {
    const buffer = this.heap.alloc(bytes, label);
    this.statics.push(buffer);
    return i32.const(buffer.address);
  }

  /** Adds a function with one address parameter per name, and gives its number. */
  define(
    name: string,
    params: readonly string[],
    body: (f: FunctionBuilder, params: readonly Local<'i32'>[]) => void,
    options: { exported?: boolean } = {},
  ): number {
    const f = new FunctionBuilder(name, options);
    body(f, params.map((p) => f.param('i32', p)));
    return this.functions.push(f.finish()) - 1;
  }
}
