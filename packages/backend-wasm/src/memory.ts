/**
 * One linear memory and who has which part of it. Memory grows and never shrinks, so freed parts are joined and used
 * again. Knows bytes; knows no program.
 */
import { copied, fail, type Memory } from '@ostinato/core/backend';
import type { Lead } from './jobs.ts';

/** A part of the linear memory. */
export interface WasmBuffer {
  readonly address: number;
  readonly bytes: number;
  freed: boolean;
  /** Counts writes, so that what was made from the contents can tell whether it is still true. */
  version: number;
}

const PAGE = 65536;
/** Vectors of both widths start on a cache line. */
const ALIGN = 64;
/** memory32 ends here. */
export const MAXIMUM_PAGES = 65536;

export class Heap implements Memory<WasmBuffer> {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  /** Who touches the bytes from now on; this thread until then. Who has which part is always decided here. */
  lead?: Lead;
  /** Free ranges; no two touch. */
  #spare: { from: number; to: number }[] = [];
  #end = ALIGN; // address 0 stays unused, so that a forgotten address shows

  constructor({ shared = false }: { shared?: boolean } = {}) {
    this.shared = shared;
    this.memory = openMemory(MAXIMUM_PAGES, shared);
  }

  alloc(bytes: number, label = 'buffer'): WasmBuffer {
    if (!Number.isInteger(bytes) || bytes < 1)
      fail(
        'option-invalid',
        `alloc: ${bytes} bytes for "${label}". Give a whole number from 1 up.`,
      );
    this.lead?.check('alloc');
    const size = Math.ceil(bytes / ALIGN) * ALIGN;
    const address = this.#reuse(size) ?? this.#extend(size, label);
    return { address, bytes, freed: false, version: 0 };
  }

  free(buffer: WasmBuffer): void {
    if (buffer.freed) return;
    buffer.freed = true;
    const from = buffer.address;
    const to = from + Math.ceil(buffer.bytes / ALIGN) * ALIGN;
    const near = this.#spare.filter((r) => r.to === from || r.from === to);
    this.#spare = this.#spare.filter((r) => !near.includes(r));
    this.#spare.push({
      from: Math.min(from, ...near.map((r) => r.from)),
      to: Math.max(to, ...near.map((r) => r.to)),
    });
  }

  write(buffer: WasmBuffer, data: Uint8Array, at = 0): void {
    this.#check('write', buffer, at, data.length);
    buffer.version++;
    if (this.lead) this.lead.write(buffer.address + at, data);
    else this.#bytes(buffer.address + at, data.length).set(data);
  }

  async read(
    buffer: WasmBuffer,
    at = 0,
    bytes = buffer.bytes - at,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    const view = this.view(buffer, at, bytes);
    return view ? copied(view, into) : (this.lead as Lead).read(buffer.address + at, bytes, into);
  }

  view(buffer: WasmBuffer, at: number, bytes: number): Uint8Array | undefined {
    this.#check('read', buffer, at, bytes);
    return this.lead ? undefined : this.#bytes(buffer.address + at, bytes);
  }

  /**
   * Nobody needs it any more: it goes when the engine collects what holds it. V8 does not count shared memory, so whoever
   * opens one after another would fill the machine; but it collects for arrays, which take nothing until they are written.
   */
  release(): void {
    if (!this.shared) return;
    try {
      new ArrayBuffer(this.memory.buffer.byteLength);
    } catch {
      // No room for so much: the engine has collected all that it could.
    }
  }

  #bytes(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, bytes);
  }

  #clear(from: number, to: number): void {
    if (this.lead) this.lead.clear(from, to - from);
    else this.#bytes(from, to - from).fill(0);
  }

  #check(what: string, buffer: WasmBuffer, at: number, bytes: number): void {
    if (buffer.freed)
      fail('disposed', `${what}: the buffer was freed. Free it after its last use.`);
    if (![at, bytes].every((n) => Number.isInteger(n) && n >= 0) || at + bytes > buffer.bytes)
      fail(
        'option-invalid',
        `${what}: ${bytes} bytes at ${at} of a buffer of ${buffer.bytes}. Stay inside it.`,
      );
  }

  #reuse(size: number): number | undefined {
    const fits = this.#spare.filter((r) => r.to - r.from >= size);
    const best = fits.sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from)[0];
    if (!best) return undefined;
    const { from } = best;
    best.from += size;
    if (best.from === best.to) this.#spare.splice(this.#spare.indexOf(best), 1);
    this.#clear(from, from + size);
    return from;
  }

  #extend(size: number, label: string): number {
    // A free part at the end grows instead of being left behind.
    const last = this.#spare.find((r) => r.to === this.#end);
    const from = last?.from ?? this.#end;
    const { byteLength } = this.memory.buffer;
    const pages = Math.ceil((from + size - byteLength) / PAGE);
    if (pages > 0) this.#grow(pages, byteLength / PAGE, `${size} bytes ("${label}")`);
    if (last) {
      this.#spare.splice(this.#spare.indexOf(last), 1);
      this.#clear(last.from, last.to);
    }
    this.#end = from + size;
    return from;
  }

  #grow(pages: number, have: number, what: string): void {
    // Growing by a quarter at least keeps the number of growths, each of which detaches views, small.
    const wanted = Math.max(pages, Math.min(MAXIMUM_PAGES - have, Math.ceil(have / 4)));
    for (const by of [wanted, pages])
      try {
        this.memory.grow(by);
        return;
      } catch {
        // The engine has less than we hoped for: ask for just enough.
      }
    fail(
      'out-of-memory',
      `alloc: no room for ${what} beside the ${have * PAGE} in use; wasm memory ends at 4 GiB. Free tensors, use smaller batches, or checkpoint in scan.`,
    );
  }
}

/** Engines set addresses aside for the most that a memory may become; one that has not that many left may have half of them. */
export function openMemory(maximum: number, shared = false): WebAssembly.Memory {
  for (let most = maximum; most >= 1; most /= 2)
    try {
      return new WebAssembly.Memory({ initial: Math.min(16, most), maximum: most, shared });
    } catch {
      // Asked for once more, or said below.
    }
  fail('out-of-memory', 'wasm: no room for another memory. Dispose of other backends first.');
}
