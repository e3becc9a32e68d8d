/**
 * A whole backend from four memory functions and one kernel: fallbacks for absent kernels, scratch arenas, and the
 * generic time loop. Knows the program format; knows no device.
 */
import { bytesPerElement } from '../ir/dtype.ts';
import { arg } from '../ir/expr.ts';
import type { BufferUse, Instr, Loop, Operand, Program, Scan } from '../ir/program.ts';
import { contractAsLoop, gatherAsLoop, scatterAsLoop } from './derive.ts';
import {
  type Backend,
  type BackendInfo,
  type Executable,
  type Kernels,
  type Launch,
  type Limits,
  type Memory,
  type Ref,
  unlimited,
} from './interface.ts';

export interface KernelBackendOptions {
  readonly limits?: Partial<Limits> | undefined;
  readonly info?: Omit<BackendInfo, 'name'> | undefined;
  readonly dispose?: (() => void) | undefined;
}

/** Builds a backend named `name`. Whatever `kernels` lacks is derived from its `loop`. */
export function kernelBackend<B>(
  name: string,
  memory: Memory<B>,
  kernels: Kernels<B>,
  options: KernelBackendOptions = {},
): Backend<B> {
  const limits: Limits = { ...unlimited, ...options.limits };
  const record = kernels.record ?? ((launches: () => void) => launches());
  return {
    name,
    limits,
    info: () => ({ name, variant: 'plain', ...options.info }),
    alloc: (bytes, label) => memory.alloc(bytes, label),
    free: (buffer) => memory.free(buffer),
    write: (buffer, data, at) => memory.write(buffer, data, at),
    read: (buffer, at, bytes, into) => memory.read(buffer, at, bytes, into),
    view: (buffer, at, bytes) => memory.view?.(buffer, at, bytes),
    async compile(program): Promise<Executable<B>> {
      const steps = await prepare(program, memory, kernels);
      return {
        run: (inputs, outputs) => record(() => steps.run(inputs, outputs)),
        dispose: steps.dispose,
      };
    },
    dispose: () => options.dispose?.(),
  };
}

/** A ref whose place changes between runs; launches hold on to it. */
interface Place<B> {
  buffer: B;
  offset: number;
}

/** Memory and kernels that a program owns, freed together. */
interface Resources<B> {
  readonly memory: Memory<B>;
  alloc(bytes: number, label: string): Place<B>;
  add<D extends { dispose(): void }>(owned: D): D;
  dispose(): void;
}

function resourcesOn<B>(memory: Memory<B>): Resources<B> {
  const buffers: B[] = [];
  const owned: { dispose(): void }[] = [];
  return {
    memory,
    alloc(bytes, label) {
      const buffer = memory.alloc(bytes, label);
      buffers.push(buffer);
      return { buffer, offset: 0 };
    },
    add(one) {
      owned.push(one);
      return one;
    },
    dispose() {
      for (const one of owned) one.dispose();
      for (const buffer of buffers) memory.free(buffer);
    },
  };
}

/** Makes each instruction a launch with its refs bound once: a run only moves the callers' places. */
async function prepare<B>(
  program: Program,
  memory: Memory<B>,
  kernels: Kernels<B>,
): Promise<Executable<B>> {
  const resources = resourcesOn(memory);
  try {
    return await prepareWith(program, resources, kernels);
  } catch (e) {
    resources.dispose(); // what failed to compile must not keep memory
    throw e;
  }
}

async function prepareWith<B>(
  program: Program,
  resources: Resources<B>,
  kernels: Kernels<B>,
): Promise<Executable<B>> {
  const arenas = program.scratch.map((bytes, k) => resources.alloc(bytes, `arena${k}`));
  const places: (Place<B> | undefined)[] = program.slots.map((slot, k) =>
    slot.arena === undefined && !program.inputs.includes(k) && !program.outputs.includes(k)
      ? resources.alloc(slot.size * bytesPerElement[slot.dtype], slot.label)
      : undefined,
  );
  const callers = [...program.inputs, ...program.outputs].map((slot) => {
    const place = (places[slot] ?? { offset: 0 }) as Place<B>;
    places[slot] = place;
    return place;
  });
  const bind = (use: BufferUse): Place<B> =>
    (use.source === 'arena' ? arenas[use.index] : places[use.index]) as Place<B>;

  const launches: { launch: Launch<B>; refs: readonly Place<B>[] }[] = [];
  for (const instr of program.code) {
    const refs = instr.buffers.map(bind);
    if (instr.kind !== 'scan') launches.push({ launch: await prepareInstr(instr, kernels), refs });
    else {
      const fused = await kernels.scan?.(instr);
      if (fused) resources.add(fused);
      launches.push({ launch: fused?.launch ?? (await stepwise(instr, resources, kernels)), refs });
    }
  }
  const inputs = callers.slice(0, program.inputs.length);
  const outputs = callers.slice(program.inputs.length);
  const move = (to: readonly Place<B>[], from: readonly Ref<B>[]): void => {
    for (let k = 0; k < to.length; k++) {
      const place = to[k] as Place<B>;
      const ref = from[k] as Ref<B>;
      place.buffer = ref.buffer;
      place.offset = ref.offset;
    }
  };
  return {
    run(givenInputs, givenOutputs) {
      move(inputs, givenInputs);
      move(outputs, givenOutputs);
      for (const { launch, refs } of launches) launch(refs);
    },
    dispose: resources.dispose,
  };
}

async function prepareInstr<B>(
  instr: Exclude<Instr, Scan>,
  kernels: Kernels<B>,
): Promise<Launch<B>> {
  switch (instr.kind) {
    case 'loop':
      return kernels.loop(instr);
    case 'contract':
      return kernels.contract?.(instr) ?? kernels.loop(contractAsLoop(instr));
    case 'gather':
      return kernels.gather?.(instr) ?? kernels.loop(gatherAsLoop(instr));
    case 'scatter':
      return kernels.scatter?.(instr) ?? kernels.loop(scatterAsLoop(instr));
  }
}

/** The generic time loop. Two sets of carry buffers swap roles; xs and ys move by their time stride. */
async function stepwise<B>(
  scan: Scan,
  resources: Resources<B>,
  kernels: Kernels<B>,
): Promise<Launch<B>> {
  const { body } = scan;
  const nc = scan.consts.length;
  const nk = scan.init.length;
  const steps = resources.add(await prepare(body, resources.memory, kernels));
  const carrySlots = body.outputs.slice(0, nk);
  const carries = [0, 1].map(() =>
    carrySlots.map((s): Place<B> => {
      const slot = body.slots[s] as Program['slots'][number];
      const bytes = slot.size * bytesPerElement[slot.dtype];
      return resources.alloc(bytes, `carry ${slot.label}`);
    }),
  ) as [Place<B>[], Place<B>[]];
  // A last step that is also the first may read `init` where `finals` lie, so it cannot write them at once.
  const single = scan.length === 1;
  const copies = single
    ? await Promise.all(carrySlots.map((s) => kernels.loop(copyLoop(body, s))))
    : [];

  const given = [...scan.consts, ...scan.init, ...scan.xs, ...scan.finals, ...scan.ys];
  const placeOf = (): Place<B> => ({ buffer: undefined as B, offset: 0 });
  const places = given.map(placeOf);
  const slice = (from: number, n: number): Place<B>[] => places.slice(from, from + n);
  const consts = slice(0, nc);
  const init = slice(nc, nk);
  const xs = slice(nc + nk, scan.xs.length);
  const finals = slice(nc + nk + xs.length, nk);
  const ys = slice(nc + nk + xs.length + nk, scan.ys.length);
  const timed = [
    ...scan.xs.map((o, k) => timeStep(xs[k] as Place<B>, o)),
    ...scan.ys.map((o, k) => timeStep(ys[k] as Place<B>, o)),
  ];
  const [even, odd] = carries;
  const inputsBy = [init, even, odd].map((carry) => [...consts, ...carry, ...xs]);
  const outputsBy = [even, odd, finals].map((carry) => [...carry, ...ys]);

  return (refs) => {
    for (let k = 0; k < given.length; k++) {
      const operand = given[k] as Operand;
      const ref = refs[operand.buffer] as Ref<B>;
      const place = places[k] as Place<B>;
      place.buffer = ref.buffer;
      place.offset = ref.offset + operand.offset * bytesPerElement[operand.dtype];
    }
    const last = scan.length - 1;
    if (scan.reverse) for (const t of timed) t.place.offset += t.bytes * last;
    for (let s = 0; s <= last; s++) {
      if (s > 0) for (const t of timed) t.place.offset += scan.reverse ? -t.bytes : t.bytes;
      const from = s === 0 ? 0 : 1 + ((s - 1) % 2);
      const to = s === last && !single ? 2 : s % 2;
      steps.run(inputsBy[from] as Place<B>[], outputsBy[to] as Place<B>[]);
    }
    copies.forEach((copy, k) => {
      copy([even[k] as Place<B>, finals[k] as Place<B>]);
    });
  };
}

const timeStep = <B>(place: Place<B>, operand: Operand): { place: Place<B>; bytes: number } => ({
  place,
  bytes: (operand.strides[0] as number) * bytesPerElement[operand.dtype],
});

/** Copies a body's output slot, as a loop on two buffers. */
function copyLoop(body: Program, slot: number): Loop {
  const { size, dtype } = body.slots[slot] as Program['slots'][number];
  return {
    kind: 'loop',
    buffers: [
      { source: 'slot', index: slot, access: 'read' },
      { source: 'slot', index: slot, access: 'write' },
    ],
    shape: [size],
    over: [],
    combine: 'sum',
    args: [{ slot, buffer: 0, dtype, offset: 0, strides: [1] }],
    body: [arg(0)],
    outs: [{ slot, buffer: 1, dtype, offset: 0, strides: [1] }],
  };
}
