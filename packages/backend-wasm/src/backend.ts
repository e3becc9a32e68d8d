/** The backend: one heap, programs as modules, and the choice of variant with its reason. */
import { type Backend, type Executable, type Program, type Ref, unlimited } from '@ostinato/core/backend';
import { encodeModule } from './assembler/module.ts';
import { canPair, compileModule, hasRelaxedSimd } from './engine.ts';
import { Heap, MAXIMUM_PAGES, type WasmBuffer } from './memory.ts';
import { ModuleBuilder } from './module-builder.ts';
import { buildProgram } from './program.ts';
import { agreesWithPlain } from './self-check.ts';
import type { Target } from './target.ts';

export interface WasmOptions {
  /** Fused multiply-add from relaxed SIMD; on where the engine has it. */
  readonly relaxedSimd?: boolean;
  /** 256-bit vectors through V8's revectoriser; on where it works and a self-check finds the same bits. */
  readonly pairedSimd?: boolean;
}

/** Opens the backend. Throws where the engine has no WebAssembly SIMD or a page's policy forbids compiling. */
export async function wasm(options: WasmOptions = {}): Promise<Backend<WasmBuffer>> {
  const notes: string[] = [];
  const relaxed = (options.relaxedSimd ?? true) && hasRelaxedSimd();
  notes.push(relaxed ? 'relaxed SIMD: fused multiply-add' : 'no relaxed SIMD: multiply, then add');
  const plain: Target = { relaxed, paired: false };
  let target = plain;
  if (options.pairedSimd === false) notes.push('128-bit vectors: paired SIMD is switched off');
  else {
    const pair = canPair();
    const wide: Target = { relaxed, paired: true };
    if (!pair.yes) notes.push(`128-bit vectors: ${pair.why}`);
    else if (await agreesWithPlain(wide, plain, open)) {
      target = wide;
      notes.push(`256-bit vectors: ${pair.why}, self-check passed`);
    } else notes.push('128-bit vectors: the self-check of paired SIMD found other bits');
  }
  return open(target, notes);
}

function open(target: Target, notes: readonly string[] = []): Backend<WasmBuffer> {
  const heap = new Heap();
  const executables = new Set<{ dispose(): void }>();
  const variant = `${target.paired ? 'simd256' : 'simd128'}${target.relaxed ? '+fma' : ''}`;
  return {
    name: 'wasm',
    limits: { ...unlimited, bufferBytes: MAXIMUM_PAGES * 65536, bindingBytes: 2 ** 31, align: 16 },
    info: () => ({ name: 'wasm', variant, notes }),
    alloc: (bytes, label) => heap.alloc(bytes, label),
    free: (buffer) => heap.free(buffer),
    write: (buffer, data, at) => heap.write(buffer, data, at),
    read: (buffer, at, bytes) => heap.read(buffer, at, bytes),
    async compile(program) {
      const executable = await compileProgram(heap, target, program);
      executables.add(executable);
      return {
        run: executable.run,
        dispose() {
          executables.delete(executable);
          executable.dispose();
        },
      };
    },
    dispose() {
      for (const e of executables) e.dispose();
      executables.clear();
    },
  };
}

async function compileProgram(heap: Heap, target: Target, program: Program): Promise<Executable<WasmBuffer>> {
  const module = new ModuleBuilder(heap, target);
  const release = (): void => {
    for (const buffer of module.statics) heap.free(buffer);
  };
  try {
    const { callers, packed } = buildProgram(module, program);
    const bytes = encodeModule(module.functions, { shared: false, minimum: 1, maximum: MAXIMUM_PAGES });
    const compiled = await compileModule(bytes, target);
    const instance = await WebAssembly.instantiate(compiled, { env: { memory: heap.memory } });
    const run = instance.exports['run'] as (...addresses: number[]) => void;
    const from = callers.map((slot) => {
      const input = program.inputs.indexOf(slot);
      return input >= 0
        ? { input: true, at: input }
        : { input: false, at: program.outputs.indexOf(slot) };
    });
    const watched = [...packed].map(([slot, bit]) => ({
      bit,
      at: program.inputs.indexOf(slot),
      buffer: undefined as WasmBuffer | undefined,
      version: 0,
      offset: 0,
    }));
    const args: number[] = new Array(from.length + 1).fill(0);
    return {
      run(inputs: readonly Ref<WasmBuffer>[], outputs: readonly Ref<WasmBuffer>[]) {
        for (let k = 0; k < from.length; k++) {
          const { input, at } = from[k] as (typeof from)[number];
          const ref = (input ? inputs : outputs)[at] as Ref<WasmBuffer>;
          args[k] = ref.buffer.address + ref.offset;
        }
        let changed = 0;
        for (const w of watched) {
          const { buffer, offset } = inputs[w.at] as Ref<WasmBuffer>;
          if (w.buffer === buffer && w.version === buffer.version && w.offset === offset) continue;
          changed |= w.bit;
          w.buffer = buffer;
          w.version = buffer.version;
          w.offset = offset;
        }
        for (const { buffer } of outputs) buffer.version++;
        args[from.length] = changed;
        run(...args);
      },
      dispose: release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
