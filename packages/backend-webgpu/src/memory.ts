/**
 * Device buffers: zero at first, pooled, read through staging buffers. Knows the queue and its order; knows no program.
 */
import { copied, fail, type Memory } from '@ostinato/core/backend';
import type { Health } from './health.ts';

/** WebGPU's `GPUBufferUsage`, which Node has no global for. */
export const usage = {
  mapRead: 1,
  copySource: 4,
  copyTarget: 8,
  uniform: 64,
  storage: 128,
} as const;

const MAP_READ = 1;

export interface GpuBuffer {
  readonly gpu: GPUBuffer;
  /** What was asked for; the buffer itself may be larger. */
  readonly bytes: number;
}

/** Buffers larger than this are destroyed when freed, not kept: the pool is for what comes and goes. */
const LARGEST_POOLED = 64 * 2 ** 20;
/** Bytes that a pool keeps at most. */
const POOL_BYTES = 256 * 2 ** 20;

/** Sizes in steps of an eighth, so that similar ones share; what is not kept has what it needs. Multiples of 4. */
function roomFor(bytes: number): number {
  const eighth = 2 ** (Math.floor(Math.log2(Math.max(bytes, 1))) - 3);
  const step = bytes > LARGEST_POOLED ? 256 : Math.max(256, eighth);
  return Math.max(step, Math.ceil(bytes / step) * step);
}

/** Free buffers of one usage, by size. */
class Pool {
  private readonly lists = new Map<number, GPUBuffer[]>();
  private bytes = 0;

  take(room: number): GPUBuffer | undefined {
    const gpu = this.lists.get(room)?.pop();
    if (gpu) this.bytes -= room;
    return gpu;
  }

  give(gpu: GPUBuffer): void {
    if (gpu.size > LARGEST_POOLED || this.bytes + gpu.size > POOL_BYTES) {
      gpu.destroy();
      return;
    }
    this.bytes += gpu.size;
    const list = this.lists.get(gpu.size);
    if (list) list.push(gpu);
    else this.lists.set(gpu.size, [gpu]);
  }

  dispose(): void {
    for (const list of this.lists.values()) for (const gpu of list) gpu.destroy();
    this.lists.clear();
    this.bytes = 0;
  }
}

export class DeviceMemory implements Memory<GpuBuffer> {
  private readonly device: GPUDevice;
  private readonly health: Health;
  private readonly recycled = new Pool();
  private readonly staging = new Pool();
  private disposed = false;
  private readonly live = new Set<GpuBuffer>();
  /** Recycled buffers that still hold old values. */
  private readonly unclean = new Set<GpuBuffer>();

  constructor(device: GPUDevice, health: Health) {
    this.device = device;
    this.health = health;
  }

  get liveBuffers(): number {
    return this.live.size;
  }

  alloc(bytes: number, label = 'buffer'): GpuBuffer {
    this.health.check('alloc');
    const { maxBufferSize } = this.device.limits;
    const room = Math.min(roomFor(bytes), maxBufferSize);
    if (room < bytes)
      fail(
        'out-of-memory',
        `webgpu: "${label}" needs ${bytes} bytes, this device's buffers hold ${maxBufferSize} at most. Use smaller batches, or checkpoint in scan.`,
      );
    const used = this.recycled.take(room);
    const gpu = used ?? this.create(room, usage.storage | usage.copySource | usage.copyTarget);
    const buffer = { gpu, bytes };
    if (used) this.unclean.add(buffer);
    this.live.add(buffer);
    return buffer;
  }

  free(buffer: GpuBuffer): void {
    if (this.disposed) return; // all went already
    this.assertLive(buffer, 'free');
    this.live.delete(buffer);
    this.unclean.delete(buffer);
    this.recycled.give(buffer.gpu);
  }

  write(buffer: GpuBuffer, data: Uint8Array, at = 0): void {
    this.health.check('write');
    this.assertLive(buffer, 'write');
    this.assertInside(buffer, at, data.byteLength, 'write');
    if (data.byteLength === 0) return;
    // What is overwritten as a whole need not be zeroed before.
    if (at === 0 && data.byteLength >= buffer.bytes) this.unclean.delete(buffer);
    else if (this.unclean.has(buffer)) this.submit(() => undefined);
    // The element type says nothing here: bytes are bytes. Dawn takes none that threads share.
    const own = data.buffer instanceof ArrayBuffer ? data : data.slice();
    const { byteOffset, byteLength } = own;
    this.device.queue.writeBuffer(
      buffer.gpu,
      at,
      own.buffer as ArrayBuffer,
      byteOffset,
      byteLength,
    );
  }

  async read(
    buffer: GpuBuffer,
    at = 0,
    bytes = buffer.bytes - at,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    this.health.check('read');
    this.assertLive(buffer, 'read');
    this.assertInside(buffer, at, bytes, 'read');
    if (bytes === 0) return new Uint8Array();
    const room = roomFor(bytes);
    const staging = this.staging.take(room) ?? this.create(room, usage.mapRead | usage.copyTarget);
    this.submit((encoder) => encoder.copyBufferToBuffer(buffer.gpu, at, staging, 0, bytes));
    let copy: Uint8Array;
    try {
      await staging.mapAsync(MAP_READ, 0, bytes);
      copy = copied(new Uint8Array(staging.getMappedRange(0, bytes)), into);
    } catch (error) {
      staging.destroy();
      return this.health.explain('read', error);
    }
    staging.unmap();
    this.staging.give(staging);
    // An error of an earlier run counts against the first read behind it.
    this.health.check('read');
    return copy;
  }

  /** Enqueues commands, behind the zeroing of recycled buffers. */
  submit(record: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.device.createCommandEncoder();
    for (const { gpu } of this.unclean) encoder.clearBuffer(gpu);
    record(encoder);
    this.device.queue.submit([encoder.finish()]);
    this.unclean.clear();
  }

  assertLive(buffer: GpuBuffer, doing: string): void {
    if (!this.live.has(buffer))
      fail(
        'disposed',
        `webgpu: ${doing} of a buffer that was freed or belongs to another backend. Keep it until the last use.`,
      );
  }

  /** Everything goes, whoever still holds it. */
  dispose(): void {
    this.disposed = true;
    for (const { gpu } of this.live) gpu.destroy();
    this.live.clear();
    this.unclean.clear();
    this.recycled.dispose();
    this.staging.dispose();
  }

  private create(size: number, flags: GPUBufferUsageFlags): GPUBuffer {
    return this.device.createBuffer({ size, usage: flags });
  }

  private assertInside(buffer: GpuBuffer, at: number, bytes: number, doing: string): void {
    if (at % 4 !== 0 || bytes % 4 !== 0 || at < 0 || bytes < 0 || at + bytes > buffer.bytes)
      fail(
        'program-invalid',
        `webgpu: ${doing} of ${bytes} bytes at ${at} of a buffer of ${buffer.bytes}. Stay inside, in multiples of 4.`,
      );
  }
}
