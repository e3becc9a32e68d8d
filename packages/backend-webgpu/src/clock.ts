/** The numbers 0, 1, 2, ... at the distance that dynamic offsets need: how kernels in a time loop are told the step. */
import { fail } from '@ostinato/core/backend';
import { usage } from './memory.ts';
import type { Pipelines } from './pipelines.ts';

export class StepNumbers {
  private readonly device: GPUDevice;
  private readonly pipelines: Pipelines;
  /** Bytes from one number to the next. */
  readonly stride: number;
  private buffer: GPUBuffer | undefined;
  private count = 0;
  private readonly groups = new Map<number, GPUBindGroup>();

  constructor(device: GPUDevice, pipelines: Pipelines) {
    this.device = device;
    this.pipelines = pipelines;
    this.stride = device.limits.minUniformBufferOffsetAlignment;
  }

  /** Makes room for the steps 0 to `count` - 1. */
  reserve(count: number): void {
    if (count <= this.count) return;
    const most = Math.floor(this.device.limits.maxBufferSize / this.stride);
    if (count > most)
      fail(
        'slot-too-large',
        `webgpu: a loop has ${count} steps, this device counts ${most}. Scan over chunks of them.`,
      );
    this.count = Math.min(most, Math.max(256, 2 ** Math.ceil(Math.log2(count))));
    const words = this.stride / 4;
    const data = new Uint32Array(this.count * words);
    for (let k = 0; k < this.count; k++) data[k * words] = k;
    // Command buffers that were submitted with the old one keep it alive.
    this.buffer?.destroy();
    this.groups.clear();
    this.buffer = this.device.createBuffer({
      size: data.byteLength,
      usage: usage.uniform | usage.copyTarget,
    });
    this.device.queue.writeBuffer(this.buffer, 0, data);
  }

  /** The bind group for kernels that read `clocks` step numbers. */
  group(clocks: number): GPUBindGroup {
    const { buffer } = this;
    if (!buffer) throw new Error('no step number was reserved');
    let group = this.groups.get(clocks);
    if (!group) {
      group = this.device.createBindGroup({
        layout: this.pipelines.clockLayout(clocks),
        entries: Array.from({ length: clocks }, (_, binding) => ({
          binding,
          resource: { buffer, size: 4 },
        })),
      });
      this.groups.set(clocks, group);
    }
    return group;
  }

  dispose(): void {
    this.buffer?.destroy();
  }
}
