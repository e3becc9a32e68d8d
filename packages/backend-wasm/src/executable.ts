/** A compiled program: its calls with their addresses filled in, for this thread or for others. Knows no instruction. */
import {
  type Executable,
  type Instr,
  type Program,
  type Ref,
  sizeOf,
} from '@ostinato/core/backend';
import { encodeModule } from './assembler/module.ts';
import type { Code, Job, Kernel, Team } from './jobs.ts';
import { MAXIMUM_PAGES, type WasmBuffer } from './memory.ts';
import { type Machine, ModuleBuilder } from './module-builder.ts';
import { ExtrasNeeded, need } from './need.ts';
import { type Built, buildProgram, type Call, reduces } from './program.ts';
import { LONG, type Threads } from './target.ts';

export type CompileModule = (
  bytes: Uint8Array<ArrayBuffer>,
  how: { readonly paired: boolean },
) => Promise<WebAssembly.Module>;

export interface Host extends Machine {
  readonly compileModule: CompileModule;
  /** Starts threads at the first program that is worth it; undefined where they do not start. */
  team(): Promise<Team | undefined>;
}

export async function compileProgram(host: Host, given: Program): Promise<Executable<WasmBuffer>> {
  const { heap } = host;
  const statics: WasmBuffer[] = [];
  const release = (): void => {
    for (const buffer of statics.splice(0)) heap.free(buffer);
  };
  try {
    const { program, team, built, functions } = await build(host, given, statics).catch(
      async (error) => {
        if (!(error instanceof ExtrasNeeded)) throw error;
        release();
        host.extras = await import('./extras.ts');
        return build(host, given, statics);
      },
    );
    const modules: WebAssembly.Module[] = [];
    const env: Record<string, WebAssembly.ImportValue> = { memory: heap.memory };
    for (const tag of ['paired', 'plain'] as const) {
      if (functions[tag].length === 0) continue;
      const memory = { shared: heap.shared, minimum: 1, maximum: MAXIMUM_PAGES };
      const bytes = encodeModule(functions[tag], memory, { tag });
      const module = await host.compileModule(bytes, { paired: tag === 'paired' });
      modules.push(module);
      Object.assign(env, (await WebAssembly.instantiate(module, { env })).exports);
    }
    const names = built.calls.map((c) => c.function.name);
    const kernels = names.map((name) => env[name] as Kernel);
    const parted = built.calls.some((c) => c.parts !== undefined);
    const code: Code = { modules, names, parted };
    let loaded = await (await team)?.load(code, kernels);
    const jobsOf = jobsMaker(program, built);
    return {
      run(inputs, outputs) {
        // What was compiled before a worker led goes through it too: that worker may still be busy with what this needs.
        loaded ??= heap.lead?.load(code);
        const jobs = jobsOf(inputs, outputs);
        if (loaded) loaded.run(jobs);
        else runAlone(host, jobs, kernels);
      },
      dispose() {
        release();
        loaded?.drop();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

interface Building {
  readonly program: Program;
  /** On their way, so that they start while this thread builds; undefined: the program is not worth them. */
  readonly team: ReturnType<Host['team']> | undefined;
  readonly built: Built;
  readonly functions: ModuleBuilder['functions'];
}

async function build(host: Host, given: Program, statics: WasmBuffer[]): Promise<Building> {
  // Only products whose outs leave the cache are worth moving into a loop (see passes/sink.ts).
  const { sinks } = host;
  const isLong = (i: Instr): boolean =>
    i.kind === 'contract' && 4 * sizeOf(i.shape) >= (sinks?.stack ?? LONG);
  const tight = given.code.some(isLong) ? need(host.extras).tighten(given, host) : given;
  const program = tight.code.some(reduces) ? need(host.extras).arrange(tight) : tight;
  const team = host.threads.worth(program) ? host.team() : undefined;
  const builder = new ModuleBuilder(host, statics);
  return { program, team, built: buildProgram(builder, program), functions: builder.functions };
}

function runAlone({ threads }: Host, jobs: readonly Job[], kernels: readonly Kernel[]): void {
  for (const { number, args, parts } of jobs) {
    const kernel = kernels[number] as Kernel;
    if (parts === undefined) kernel(...args);
    // Who parts has it: a program whose parts nobody computes must not pass in silence.
    else (threads.alone as NonNullable<Threads['alone']>)(kernel, args, parts);
  }
}

type Refs = readonly Ref<WasmBuffer>[];

interface Prepared extends Job {
  readonly call: Call;
  /** Filled in at each run. */
  readonly args: number[];
}

/** What a run with these refs has to do; good until the next is asked for. */
function jobsMaker(
  program: Program,
  built: Built,
): (inputs: Refs, outputs: Refs) => readonly Job[] {
  const calls: Prepared[] = built.calls.map((call, number) => ({
    call,
    number,
    args: call.args.map((a) => (a.kind === 'address' ? a.value : 0)),
    parts: call.parts,
  }));
  const addresses = new Map<number, number>();
  const changes = watch(program, built);
  const place = (slots: readonly number[], refs: Refs): void => {
    for (let k = 0; k < slots.length; k++) {
      const { buffer, offset } = refs[k] as Ref<WasmBuffer>;
      addresses.set(slots[k] as number, buffer.address + offset);
    }
  };
  const fill = ({ call, args }: Prepared): void => {
    for (let k = 0; k < args.length; k++) {
      const a = call.args[k] as Call['args'][number];
      if (a.kind === 'slot') args[k] = (addresses.get(a.slot) as number) + a.plus;
    }
  };
  return (inputs, outputs) => {
    place(program.inputs, inputs);
    place(program.outputs, outputs);
    const changed = changes(inputs, outputs);
    const due = calls.filter(
      ({ call: { ifChanged } }) => ifChanged === undefined || changed.has(ifChanged),
    );
    for (const call of due) fill(call);
    return due;
  };
}

/** Tells which packed inputs are not what they were in the last run; good until it is asked again. */
function watch(
  program: Program,
  { packed }: Built,
): (inputs: Refs, outputs: Refs) => ReadonlySet<number> {
  const changed = new Set<number>();
  const watched = [...packed].map((slot) => ({
    slot,
    at: program.inputs.indexOf(slot),
    buffer: undefined as WasmBuffer | undefined,
    version: 0,
    offset: 0,
  }));
  return (inputs, outputs) => {
    changed.clear();
    for (const w of watched) {
      const { buffer, offset } = inputs[w.at] as Ref<WasmBuffer>;
      if (w.buffer === buffer && w.version === buffer.version && w.offset === offset) continue;
      changed.add(w.slot);
      w.buffer = buffer;
      w.version = buffer.version;
      w.offset = offset;
    }
    for (const { buffer } of outputs) buffer.version++;
    return changed;
  };
}
