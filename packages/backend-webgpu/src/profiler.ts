/** Times of dispatches on the device, by timestamps around passes of their own. Knows queries; knows no program. */
import { usage } from './memory.ts';

const QUERY_RESOLVE = 512; // GPUBufferUsage.QUERY_RESOLVE
const MAP_READ = 1;

/** WebGPU's largest query set holds 4,096 timestamps, and a dispatch needs two. */
const MOST_TIMED = 2048;

export interface Timing {
  /** The instruction, with its sizes. */
  readonly label: string;
  readonly dispatches: number;
  /** In all, on the device. Browsers round timestamps, commonly to 0.1 ms. */
  readonly ms: number;
}

export class Profiler {
  private readonly device: GPUDevice;
  private readonly queries: GPUQuerySet;
  private labels: string[] = [];

  constructor(device: GPUDevice) {
    this.device = device;
    this.queries = device.createQuerySet({ type: 'timestamp', count: 2 * MOST_TIMED });
  }

  /** A pass for one dispatch. Once the queries are used up it is not timed, until `take` makes room. */
  pass(encoder: GPUCommandEncoder, label: string): GPUComputePassEncoder {
    const k = this.labels.length;
    if (k === MOST_TIMED) return encoder.beginComputePass();
    this.labels.push(label);
    return encoder.beginComputePass({
      timestampWrites: {
        querySet: this.queries,
        beginningOfPassWriteIndex: 2 * k,
        endOfPassWriteIndex: 2 * k + 1,
      },
    });
  }

  /** Times since the last call, longest first; dispatches of one label are counted together. */
  async take(): Promise<Timing[]> {
    const { labels, device } = this;
    this.labels = [];
    if (labels.length === 0) return [];
    const size = 16 * labels.length;
    const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | usage.copySource });
    const staging = device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
    const encoder = device.createCommandEncoder();
    encoder.resolveQuerySet(this.queries, 0, 2 * labels.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const times = new BigUint64Array(staging.getMappedRange());
    const found = new Map<string, { dispatches: number; ms: number }>();
    labels.forEach((label, k) => {
      const one = found.get(label) ?? { dispatches: 0, ms: 0 };
      one.dispatches++;
      one.ms += Number((times[2 * k + 1] as bigint) - (times[2 * k] as bigint)) / 1e6;
      found.set(label, one);
    });
    staging.destroy();
    resolved.destroy();
    return [...found].map(([label, one]) => ({ label, ...one })).sort((a, b) => b.ms - a.ms);
  }

  dispose(): void {
    this.queries.destroy();
  }
}
