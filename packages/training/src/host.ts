/** What this package uses of its host: Node, Bun, Deno, a page or a worker. Compiled for none of them, so named here. */

interface Host {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (
    label?: string,
    options?: { fatal?: boolean },
  ) => { decode(bytes: Uint8Array): string };
}

export const host: Host = globalThis as unknown as Host;
