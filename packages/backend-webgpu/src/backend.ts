/** The backend: a device, its memory, and programs as command buffers. */
import { type Backend, bytesPerElement, fail, type Program } from '@ostinato/core/backend';
import { type OpenDevice, openDevice } from './adapter.ts';
import { StepNumbers } from './clock.ts';
import { type Device, makeExecutable } from './executable.ts';
import { makeFastest } from './fastest.ts';
import { watch } from './health.ts';
import { DeviceMemory, type GpuBuffer } from './memory.ts';
import { checkWebGpuOptions, type WebGpuOptions } from './options.ts';
import { Pipelines } from './pipelines.ts';
import type { Machine, Plan } from './plan/plan.ts';
import { planProgram } from './plan/program.ts';
import { Profiler, type Timing } from './profiler.ts';

export interface WebGpuBackend extends Backend<GpuBuffer> {
  /** Settles when the device is gone; a fresh backend can be opened then. */
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  /** Buffers that nobody freed, and pipelines compiled so far. */
  counts(): { readonly buffers: number; readonly pipelines: number };
  /** With `profile`: times on the device since the last call, longest first. */
  timings(): Promise<readonly Timing[]>;
}

/** Two to eight of the groups in which GPUs run threads. */
const THREADS = 64;
/** A time loop has few workgroups, so each is as large as every device allows. */
const TILE_THREADS = 256;

/**
 * Opens WebGPU: in browsers `navigator.gpu`, in Node the optional package `webgpu`. Throws `no-adapter`, with the reason,
 * where there is none.
 */
export async function webgpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  checkWebGpuOptions(options);
  const open = await openDevice(options);
  return backendOn(open, options);
}

function backendOn(open: OpenDevice, options: WebGpuOptions): WebGpuBackend {
  const { device, software, adapter } = open;
  const subgroups = options.subgroups ?? open.subgroups;
  if (subgroups && !open.subgroups) {
    device.destroy();
    fail(
      'option-invalid',
      'webgpu: subgroups is true, but this device or browser lacks them. Leave it out.',
    );
  }
  const health = watch(device);
  const memory = new DeviceMemory(device, health);
  const pipelines = new Pipelines(device);
  const machineDevice: Device = {
    device,
    memory,
    pipelines,
    steps: new StepNumbers(device, pipelines),
    health,
    profiler: options.profile ? profilerOn(device) : undefined,
  };
  const { tuning = software ? 'software' : 'gpu' } = options;
  const machine = machineOf(device.limits, { software: tuning === 'software', subgroups });
  const executables = new Set<{ dispose(): void }>();
  const notes = [
    adapter,
    software ? 'computes on the CPU' : 'computes on a GPU',
    ...(subgroups ? ['reductions meet in subgroups'] : []),
  ];
  const made = async (program: Program) => {
    const ways = waysOf(program, machine, options);
    const plans = ways.map((way) => way.plan);
    if (plans.length === 1)
      return {
        executable: await makeExecutable(machineDevice, program, plans[0] as Plan),
        said: [],
      };
    const { executable, ms } = await makeFastest(machineDevice, program, plans);
    const times = ways.map(({ schedule }, k) => `${schedule} ${(ms[k] as number).toFixed(2)} ms`);
    return { executable, said: [`  measured: ${times.join(', ')}`] };
  };
  return {
    name: 'webgpu',
    limits: {
      buffers: machine.storageBuffers,
      bindingBytes: machine.bindingBytes,
      bufferBytes: device.limits.maxBufferSize,
      align: device.limits.minStorageBufferOffsetAlignment,
    },
    info: () => ({ name: 'webgpu', variant: software ? 'software' : 'wgsl', notes }),
    lost: device.lost,
    async timings() {
      health.check('timings');
      try {
        return (await machineDevice.profiler?.take()) ?? [];
      } catch (error) {
        return health.explain('timings', error);
      }
    },
    counts: () => ({ buffers: memory.liveBuffers, pipelines: pipelines.count }),
    alloc: (bytes, label) => memory.alloc(bytes, label),
    free: (buffer) => memory.free(buffer),
    write: (buffer, data, at) => memory.write(buffer, data, at),
    read: (buffer, at, bytes, into) => memory.read(buffer, at, bytes, into),
    async compile(program) {
      health.check('compile');
      assertTypes(program);
      const { executable, said } = await made(program);
      executables.add(executable);
      return {
        run: (inputs, outputs) => executable.run(inputs, outputs),
        explain: () => [executable.explain(), ...said].join('\n'),
        dispose() {
          if (executables.delete(executable)) executable.dispose();
        },
      };
    },
    dispose() {
      for (const executable of executables) executable.dispose();
      executables.clear();
      memory.dispose();
      machineDevice.steps.dispose();
      machineDevice.profiler?.dispose();
      health.retire();
      // Dawn keeps a device's memory until it is destroyed, and crashes where its GPU object went first.
      device.destroy();
      void open.gpu;
    },
  };
}

/** A plan, or those of which the faster one is to be found: only one where no scan can be persistent. */
function waysOf(
  program: Program,
  machine: Machine,
  { schedule, ...options }: WebGpuOptions,
): readonly { readonly schedule: string; readonly plan: Plan }[] {
  const planned = (way?: 'persistent' | 'stepwise') => ({
    schedule: way ?? '',
    plan: planProgram(program, machine, { ...options, ...(way && { schedule: way }) }),
  });
  if (schedule !== 'measured') return [planned(schedule)];
  const [fused, stepped] = [planned('persistent'), planned('stepwise')];
  return fused.plan.scans.some((s) => s.schedule === 'persistent') ? [fused, stepped] : [stepped];
}

function profilerOn(device: GPUDevice): Profiler {
  if (!device.features.has('timestamp-query')) {
    device.destroy();
    fail(
      'option-invalid',
      'webgpu: profile is true, but this adapter has no timestamps. Leave it out, or start Chrome with --enable-unsafe-webgpu.',
    );
  }
  return new Profiler(device);
}

function machineOf(
  limits: GPUSupportedLimits,
  { software, subgroups }: { readonly software: boolean; readonly subgroups: boolean },
): Machine {
  return {
    threads: THREADS,
    tileThreads: software ? THREADS : TILE_THREADS,
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    bindingBytes: limits.maxStorageBufferBindingSize,
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
    subgroups,
    software,
  };
}

function assertTypes(program: Program): void {
  const wide = program.slots.find((slot) => bytesPerElement[slot.dtype] !== 4);
  if (wide)
    fail(
      'unsupported-dtype',
      `webgpu: "${wide.label}" is ${wide.dtype}, which GPUs do not have here. Use float32, or the reference backend.`,
    );
}
