/** What this package uses of its host: Node, Bun, Deno, a page or a worker. Compiled for none of them, so named here. */

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
  close(): void;
}

interface Host {
  readonly setImmediate?: (f: () => void) => unknown;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
  readonly setTimeout?: (f: () => void, milliseconds: number) => unknown;
  readonly performance?: { now(): number };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (
    label?: string,
    options?: { fatal?: boolean },
  ) => { decode(bytes: Uint8Array): string };
}

export const host: Host = globalThis as unknown as Host;
