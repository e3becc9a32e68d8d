/** A plan made runnable: pipelines, parameters and bind groups, and one command buffer per run. */
import {
  bytesPerElement,
  type Executable,
  fail,
  type Program,
  type Ref,
} from '@ostinato/core/backend';
import type { StepNumbers } from './clock.ts';
import type { Health } from './health.ts';
import { type DeviceMemory, type GpuBuffer, usage } from './memory.ts';
import type { Pipeline, Pipelines } from './pipelines.ts';
import { countDispatches, type Dispatch, type Plan, type Step } from './plan/plan.ts';
import type { Profiler } from './profiler.ts';
import type { Binding } from './wgsl/writer.ts';

type Slot = Program['slots'][number];

export interface Device {
  readonly device: GPUDevice;
  readonly memory: DeviceMemory;
  readonly pipelines: Pipelines;
  readonly steps: StepNumbers;
  readonly health: Health;
  /** Present where dispatches are timed. */
  readonly profiler: Profiler | undefined;
}

/** A dispatch ready to be encoded. */
interface Ready {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly groups: readonly [x: number, y: number];
  /** Levels of the time loops whose step it reads. */
  readonly clocks: readonly number[];
  /** Which bind group it takes: several dispatches may share one. */
  readonly bindings: Bindings;
  readonly offsets: Uint32Array<ArrayBuffer>;
}

/** Buffers by name; the bind group is made anew when a caller's buffer changes. */
interface Bindings {
  readonly layout: GPUBindGroupLayout;
  readonly used: readonly Binding[];
  readonly params: { readonly offset: number; readonly size: number };
  group: GPUBindGroup | undefined;
  /** The callers' refs that the group was made for. */
  readonly known: Map<string, GPUBindGroup>;
}

type Encoded =
  | { readonly kind: 'dispatch'; readonly ready: Ready }
  | {
      readonly kind: 'repeat';
      readonly level: number;
      readonly count: number;
      readonly steps: readonly Encoded[];
    };

/** Bind groups that are kept per dispatch: as many as callers' buffers take turns, and some more. */
const KEPT_GROUPS = 8;

export async function makeExecutable(device: Device, program: Program, plan: Plan): Promise<Run> {
  const parameters = new Parameters(device.device.limits.minUniformBufferOffsetAlignment);
  const preparing = plan.steps.map((s) => prepare(s, device, parameters));
  // The device may go meanwhile, and then explains whatever else fails, or nothing does.
  const steps = await Promise.all(preparing).finally(() => device.health.check('compile'));
  device.steps.reserve(longest(plan.steps));
  const own: ReturnType<typeof device.memory.alloc>[] = [];
  try {
    for (const [k, bytes] of plan.own.entries()) own.push(device.memory.alloc(bytes, `own${k}`));
    return new Run(device, program, plan, steps, own, parameters.buffer(device.device));
  } catch (error) {
    for (const buffer of own) device.memory.free(buffer);
    throw error;
  }
}

const longest = (steps: readonly Step[]): number =>
  Math.max(0, ...steps.map((s) => (s.kind === 'repeat' ? Math.max(s.count, longest(s.steps)) : 0)));

async function prepare(step: Step, device: Device, parameters: Parameters): Promise<Encoded> {
  if (step.kind === 'repeat') {
    const { level, count } = step;
    const steps = await Promise.all(step.steps.map((s) => prepare(s, device, parameters)));
    return { kind: 'repeat', level, count, steps };
  }
  const params = parameters.add(step.kernel.params);
  const made = await device.pipelines.get(step.kernel);
  return { kind: 'dispatch', ready: ready(step, made, params, device.device.limits) };
}

function ready(
  { label, kernel, workgroups }: Dispatch,
  { pipeline, layout }: Pipeline,
  params: { readonly offset: number; readonly size: number },
  { maxComputeWorkgroupsPerDimension }: GPUSupportedLimits,
): Ready {
  const x = Math.min(workgroups, maxComputeWorkgroupsPerDimension);
  return {
    label,
    pipeline,
    groups: [x, Math.ceil(workgroups / x)],
    clocks: kernel.clocks,
    bindings: {
      layout,
      used: kernel.bindings,
      params,
      group: undefined,
      known: new Map(),
    },
    offsets: new Uint32Array(kernel.clocks.length),
  };
}

/** The parameters of all kernels in one uniform buffer. */
class Parameters {
  private readonly align: number;
  private readonly parts: { readonly offset: number; readonly words: readonly number[] }[] = [];
  private bytes = 0;

  constructor(align: number) {
    this.align = align;
  }

  add(words: readonly number[]): { offset: number; size: number } {
    const offset = this.bytes;
    const size = Math.max(1, Math.ceil(words.length / 4)) * 16;
    this.parts.push({ offset, words });
    this.bytes = Math.ceil((offset + size) / this.align) * this.align;
    return { offset, size };
  }

  buffer(device: GPUDevice): GPUBuffer | undefined {
    if (this.bytes === 0) return undefined;
    const data = new Uint32Array(this.bytes / 4);
    for (const { offset, words } of this.parts) data.set(words, offset / 4);
    const buffer = device.createBuffer({
      size: this.bytes,
      usage: usage.uniform | usage.copyTarget,
    });
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }
}

class Run implements Executable<GpuBuffer> {
  private readonly device: Device;
  private readonly program: Program;
  private readonly plan: Plan;
  private readonly steps: readonly Encoded[];
  private readonly own: readonly GpuBuffer[];
  private readonly params: GPUBuffer | undefined;
  /** Callers' refs of this run, by name. */
  private readonly refs = new Map<string, Ref<GpuBuffer>>();
  /** How much of each buffer the program touches: no binding is larger, the buffer itself may be. */
  private readonly bytes = new Map<string, number>();
  private disposed = false;

  constructor(
    device: Device,
    program: Program,
    plan: Plan,
    steps: readonly Encoded[],
    own: readonly GpuBuffer[],
    params: GPUBuffer | undefined,
  ) {
    this.device = device;
    this.program = program;
    this.plan = plan;
    this.steps = steps;
    this.own = own;
    this.params = params;
    own.forEach((buffer, k) => {
      this.refs.set(`own${k}`, { buffer, offset: 0 });
      this.bytes.set(`own${k}`, buffer.bytes);
    });
    for (const slot of [...program.inputs, ...program.outputs])
      this.bytes.set(`slot${slot}`, 4 * (program.slots[slot] as Slot).size);
  }

  run(inputs: readonly Ref<GpuBuffer>[], outputs: readonly Ref<GpuBuffer>[]): void {
    const { memory, health, steps } = this.device;
    health.check('run');
    if (this.disposed)
      fail('compiled-disposed', 'webgpu: run of a program that was disposed. Compile it again.');
    this.take(this.program.inputs, inputs);
    this.take(this.program.outputs, outputs);
    if (this.steps.length === 0) return;
    this.bindAll(this.steps);
    const { profiler } = this.device;
    memory.submit((encoder) => {
      let pass = profiler ? undefined : encoder.beginComputePass();
      const at: number[] = [];
      let pipeline: GPUComputePipeline | undefined;
      let bound: GPUBindGroup | undefined;
      const encode = (list: readonly Encoded[]): void => {
        for (const step of list) {
          if (step.kind === 'repeat') {
            for (let k = 0; k < step.count; k++) {
              at[step.level] = k * steps.stride;
              encode(step.steps);
            }
            continue;
          }
          const { ready: r } = step;
          if (profiler) {
            pass?.end();
            pass = profiler.pass(encoder, r.label);
            pipeline = bound = undefined;
          }
          if (!pass) continue;
          if (r.pipeline !== pipeline) pass.setPipeline(r.pipeline);
          pipeline = r.pipeline;
          const group = r.bindings.group as GPUBindGroup;
          if (group !== bound) pass.setBindGroup(0, group);
          bound = group;
          if (r.clocks.length > 0) {
            r.clocks.forEach((level, k) => {
              r.offsets[k] = at[level] as number;
            });
            pass.setBindGroup(1, steps.group(r.clocks.length), r.offsets, 0, r.clocks.length);
          }
          pass.dispatchWorkgroups(r.groups[0], r.groups[1]);
        }
      };
      encode(this.steps);
      pass?.end();
    });
  }

  /** Dispatches, memory, and how each scan is run. */
  explain(): string {
    const { own, scans, steps } = this.plan;
    const bytes = own.reduce((a, b) => a + b, 0);
    return [
      `webgpu: ${countDispatches(steps)} dispatches, ${bytes} bytes of its own`,
      ...scans.map(({ label, schedule, why, weights }) =>
        [`  scan ${label}: ${schedule} (${why})`, ...(weights ? [weights] : [])].join(', '),
      ),
    ].join('\n');
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const buffer of this.own) this.device.memory.free(buffer);
    this.params?.destroy();
  }

  private take(slots: readonly number[], refs: readonly Ref<GpuBuffer>[]): void {
    slots.forEach((slot, k) => {
      const ref = refs[k];
      const { label, size, dtype } = this.program.slots[slot] as Slot;
      if (!ref)
        fail('program-invalid', `webgpu: no ref for "${label}". Pass one per input and output.`);
      this.device.memory.assertLive(ref.buffer, `run with "${label}"`);
      const { minStorageBufferOffsetAlignment: align } = this.device.device.limits;
      if (ref.offset % align !== 0)
        fail(
          'program-invalid',
          `webgpu: "${label}" starts at byte ${ref.offset} of its buffer. Start it at a multiple of ${align}.`,
        );
      const end = ref.offset + size * bytesPerElement[dtype];
      if (end > ref.buffer.bytes)
        fail(
          'program-invalid',
          `webgpu: "${label}" needs ${end} bytes, its buffer has ${ref.buffer.bytes}. Pass a larger one.`,
        );
      this.refs.set(`slot${slot}`, ref);
    });
  }

  /** A dispatch takes no buffer for reading and for writing at once, not even in places apart. */
  private assertApart(used: readonly Binding[]): void {
    const gpuOf = ({ buffer }: Binding): GPUBuffer | undefined => this.refs.get(buffer)?.buffer.gpu;
    const labelOf = ({ buffer }: Binding): string | undefined =>
      this.program.slots[Number(buffer.slice('slot'.length))]?.label;
    const written = new Map(used.flatMap((u) => (u.write ? [[gpuOf(u), u]] : [])));
    for (const u of used) {
      const other = u.write ? undefined : written.get(gpuOf(u));
      if (other)
        fail(
          'program-invalid',
          `webgpu: "${labelOf(u)}" lies in one buffer with "${labelOf(other)}", which is written. Give each a buffer of its own.`,
        );
    }
  }

  /** Bind groups of all dispatches for the refs of this run. */
  private bindAll(steps: readonly Encoded[]): void {
    for (const step of steps)
      if (step.kind === 'repeat') this.bindAll(step.steps);
      else this.bind(step.ready.bindings);
  }

  private bind(bindings: Bindings): void {
    const refs = bindings.used.map((u) => this.refs.get(u.buffer) as Ref<GpuBuffer>);
    const key = refs.map((r) => `${idOf(r.buffer.gpu)}+${r.offset}`).join(' ');
    let group = bindings.known.get(key);
    if (!group) {
      this.assertApart(bindings.used);
      if (bindings.known.size >= KEPT_GROUPS) bindings.known.clear();
      group = this.device.device.createBindGroup({
        layout: bindings.layout,
        entries: [
          ...bindings.used.map((u, binding) => {
            const { buffer, offset } = refs[binding] as Ref<GpuBuffer>;
            const size = this.bytes.get(u.buffer) as number;
            return { binding, resource: { buffer: buffer.gpu, offset, size } };
          }),
          {
            binding: refs.length,
            resource: { buffer: this.params as GPUBuffer, ...bindings.params },
          },
        ],
      });
      bindings.known.set(key, group);
    }
    bindings.group = group;
  }
}

const ids = new WeakMap<GPUBuffer, number>();
let lastId = 0;

/** A number per device buffer, so that bind groups are found by it. */
function idOf(gpu: GPUBuffer): number {
  let id = ids.get(gpu);
  if (id === undefined) {
    id = ++lastId;
    ids.set(gpu, id);
  }
  return id;
}
