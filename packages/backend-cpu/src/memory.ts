/** Flat memory as typed arrays. Knows bytes and their views; knows no program. */
import { copied, type DType, fail, type Memory, type TypedArray } from '@ostinato/core/backend';

/** Memory of this backend: one block and its views, made once so that a launch makes none. */
export interface CpuBuffer {
  readonly label: string;
  /** What was asked for; the block is rounded up to whole elements. */
  readonly bytes: number;
  /** Replaced by empty views when the buffer is freed, so that the block can go while the buffer is still held. */
  views: Views;
}

export interface Views {
  readonly float32: Float32Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly bytes: Uint8Array;
}

const viewsOf = (block: ArrayBuffer): Views => ({
  float32: new Float32Array(block),
  int32: new Int32Array(block),
  uint32: new Uint32Array(block),
  bytes: new Uint8Array(block),
});

const freed: Views = viewsOf(new ArrayBuffer(0));

/** Elements that lanes point at between launches, so that they keep no freed block alive. */
export const nothing: TypedArray = freed.float32;

/** The view that holds elements of `dtype`. */
export function elements(views: Views, dtype: DType): TypedArray {
  if (dtype === 'float32') return views.float32;
  return dtype === 'int32' ? views.int32 : views.uint32;
}

export const cpuMemory: Memory<CpuBuffer> = {
  alloc(bytes, label = 'buffer') {
    if (!Number.isInteger(bytes) || bytes <= 0)
      fail(
        'option-invalid',
        `alloc: "${label}" asks for ${bytes} bytes. Ask for a positive whole number of bytes.`,
      );
    return { label, bytes, views: viewsOf(block(bytes, label)) };
  },
  free(buffer) {
    buffer.views = freed;
  },
  write(buffer, data, at = 0) {
    checkRange('write', buffer, at, data.byteLength);
    buffer.views.bytes.set(data, at);
  },
  async read(buffer, at = 0, bytes = buffer.bytes - at, into) {
    return copied(bytesOf(buffer, at, bytes), into);
  },
  view: bytesOf,
};

function bytesOf(buffer: CpuBuffer, at: number, bytes: number): Uint8Array {
  checkRange('read', buffer, at, bytes);
  return buffer.views.bytes.subarray(at, at + bytes);
}

function block(bytes: number, label: string): ArrayBuffer {
  try {
    return new ArrayBuffer(Math.ceil(bytes / 4) * 4);
  } catch (cause) {
    fail(
      'out-of-memory',
      `alloc: no memory for "${label}" of ${bytes} bytes. Use smaller batches or shorter sequences, or dispose of tensors that are no longer needed.`,
      { cause },
    );
  }
}

function checkRange(what: string, buffer: CpuBuffer, at: number, bytes: number): void {
  if (buffer.views === freed)
    fail('disposed', `${what}: "${buffer.label}" was freed. Keep it until its last use.`);
  if (
    !Number.isInteger(at) ||
    !Number.isInteger(bytes) ||
    at < 0 ||
    bytes < 0 ||
    at + bytes > buffer.bytes
  )
    fail(
      'option-invalid',
      `${what}: ${bytes} bytes at ${at} do not lie in "${buffer.label}" of ${buffer.bytes} bytes. Stay inside it.`,
    );
}
