/** A compiled program: its calls with their addresses filled in, on one thread or several. Knows no instruction. */
import {
  type Executable,
  type Instr,
  type Program,
  type Ref,
  sizeOf,
} from '@ostinato/core/backend';
import { encodeModule } from './assembler/module.ts';
import { isPlain } from './instruction.ts';
import { MAXIMUM_PAGES, type WasmBuffer } from './memory.ts';
import { type Machine, ModuleBuilder } from './module-builder.ts';
import { type Built, buildProgram, type Call } from './program.ts';
import { LONG } from './target.ts';
import type { Pool } from './threads/pool.ts';

export type CompileModule = (
  bytes: Uint8Array<ArrayBuffer>,
  how: { readonly paired: boolean },
) => Promise<WebAssembly.Module>;

export interface Host extends Machine {
  readonly compileModule: CompileModule;
  /** Starts the workers at the first program that can use them; undefined where they do not start. */
  pool(): Promise<Pool | undefined>;
}

export async function compileProgram(host: Host, given: Program): Promise<Executable<WasmBuffer>> {
  const program = given.code.some(isLong) ? (await import('./sink.ts')).sink(given) : given;
  const { heap } = host;
  const plain = host.threads.count === 1 && isPlain(program);
  const extras = plain ? {} : { extras: await import('./extras.ts') };
  const builder = new ModuleBuilder({ ...host, ...extras });
  const release = (): void => {
    for (const buffer of builder.statics) heap.free(buffer);
  };
  try {
    const built = buildProgram(builder, program);
    const modules: WebAssembly.Module[] = [];
    const env: Record<string, WebAssembly.ImportValue> = { memory: heap.memory };
    for (const tag of ['paired', 'plain'] as const) {
      const functions = builder.functions[tag];
      if (functions.length === 0) continue;
      const memory = { shared: heap.shared, minimum: 1, maximum: MAXIMUM_PAGES };
      const bytes = encodeModule(functions, memory, { tag });
      const module = await host.compileModule(bytes, { paired: tag === 'paired' });
      modules.push(module);
      Object.assign(env, (await WebAssembly.instantiate(module, { env })).exports);
    }
    const kernels = built.calls.map((c) => env[c.function.name] as Kernel);
    const parted = built.calls.some((c) => c.parts !== undefined);
    const pool = parted ? await host.pool() : undefined;
    const names = built.calls.map((c) => c.function.name);
    const id = (await pool?.load(modules, names)) ?? 0;
    const run = runner(program, built, kernels, pool && { pool, id });
    return {
      run,
      dispose() {
        release();
        pool?.drop(id).catch(() => undefined);
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** A product whose out leaves the cache: only such ones are worth moving into a loop (see sink.ts). */
const isLong = (i: Instr): boolean => i.kind === 'contract' && 4 * sizeOf(i.shape) >= LONG;

type Kernel = (...args: number[]) => void;
type Run = Executable<WasmBuffer>['run'];

interface Prepared {
  readonly call: Call;
  readonly number: number;
  readonly kernel: Kernel;
  /** Filled in at each run. */
  readonly args: number[];
}

function runner(
  program: Program,
  built: Built,
  kernels: readonly Kernel[],
  threads: { readonly pool: Pool; readonly id: number } | undefined,
): Run {
  const calls: Prepared[] = built.calls.map((call, number) => ({
    call,
    number,
    kernel: kernels[number] as Kernel,
    args: call.args.map((a) => (a.kind === 'address' ? a.value : 0)),
  }));
  const addresses = new Map<number, number>();
  const changes = watch(program, built);
  const fill = ({ call, args }: Prepared, changed: number): void => {
    for (let k = 0; k < args.length; k++) {
      const a = call.args[k] as Call['args'][number];
      if (a.kind === 'slot') args[k] = addresses.get(a.slot) as number;
      else if (a.kind === 'changed') args[k] = changed;
    }
  };
  return (inputs, outputs) => {
    const place = (slots: readonly number[], refs: readonly Ref<WasmBuffer>[]): void => {
      for (let k = 0; k < slots.length; k++) {
        const { buffer, offset } = refs[k] as Ref<WasmBuffer>;
        addresses.set(slots[k] as number, buffer.address + offset);
      }
    };
    place(program.inputs, inputs);
    place(program.outputs, outputs);
    const changed = changes(inputs, outputs);
    for (const prepared of calls) {
      const { call, number, kernel, args } = prepared;
      if (call.ifChanged !== undefined && !(changed & (built.packed.get(call.ifChanged) as number)))
        continue;
      fill(prepared, changed);
      if (call.parts === undefined) kernel(...args);
      else if (!threads) kernel(...args, 0, call.parts, 0);
      else
        threads.pool.run(threads.id, number, args, call.parts, (first, count) =>
          kernel(...args, first, count, 0),
        );
    }
  };
}

/** Tells which packed inputs are not what they were in the last run, one bit each. */
function watch(
  program: Program,
  { packed }: Built,
): (inputs: readonly Ref<WasmBuffer>[], outputs: readonly Ref<WasmBuffer>[]) => number {
  const watched = [...packed].map(([slot, bit]) => ({
    bit,
    at: program.inputs.indexOf(slot),
    buffer: undefined as WasmBuffer | undefined,
    version: 0,
    offset: 0,
  }));
  return (inputs, outputs) => {
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
    return changed;
  };
}
