/** Compute pipelines by their text: what two programs share is compiled once. Knows the device; knows no program. */
import { fail } from '@ostinato/core/backend';
import type { Kernel } from './wgsl/writer.ts';

const COMPUTE = 4; // GPUShaderStage.COMPUTE

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  /** Of the buffers and parameters. */
  readonly layout: GPUBindGroupLayout;
}

export class Pipelines {
  private readonly device: GPUDevice;
  private readonly made = new Map<string, Promise<Pipeline>>();
  private readonly clockLayouts = new Map<number, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** How many were compiled so far. */
  get count(): number {
    return this.made.size;
  }

  get(kernel: Kernel): Promise<Pipeline> {
    let made = this.made.get(kernel.code);
    if (made === undefined) {
      made = this.create(kernel);
      this.made.set(kernel.code, made);
      // A device that was short of something may take it the next time.
      made.catch(() => this.made.delete(kernel.code));
    }
    return made;
  }

  /** A step number per time loop, moved by dynamic offsets. */
  clockLayout(clocks: number): GPUBindGroupLayout {
    let layout = this.clockLayouts.get(clocks);
    if (!layout) {
      layout = this.device.createBindGroupLayout({
        entries: Array.from({ length: clocks }, (_, binding) => ({
          binding,
          visibility: COMPUTE,
          buffer: { type: 'uniform' as const, hasDynamicOffset: true },
        })),
      });
      this.clockLayouts.set(clocks, layout);
    }
    return layout;
  }

  private async create({ code, bindings, clocks }: Kernel): Promise<Pipeline> {
    const { device } = this;
    const layout = device.createBindGroupLayout({
      entries: [
        ...bindings.map(({ write }, binding) => ({
          binding,
          visibility: COMPUTE,
          buffer: { type: write ? ('storage' as const) : ('read-only-storage' as const) },
        })),
        { binding: bindings.length, visibility: COMPUTE, buffer: { type: 'uniform' as const } },
      ],
    });
    const bindGroupLayouts = [
      layout,
      ...(clocks.length > 0 ? [this.clockLayout(clocks.length)] : []),
    ];
    // A fault of the text comes back below: it concerns this program alone, and the device goes on.
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code });
    device.popErrorScope().catch(() => undefined);
    try {
      const pipeline = await device.createComputePipelineAsync({
        layout: device.createPipelineLayout({ bindGroupLayouts }),
        compute: { module, entryPoint: 'main' },
      });
      return { pipeline, layout };
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const lines = messages.map((m) => `line ${m.lineNum}: ${m.message}`);
      return fail(
        'program-invalid',
        `webgpu: the device refuses a kernel (${lines.join('; ') || (error as Error).message}). This is a fault of backend-webgpu: please report it with this text.\n${code}`,
        { cause: error },
      );
    }
  }
}
