/** Where bytes are kept by name. Knows no format. */

/**
 * Three methods, so that a store over IndexedDB, a server or a bucket is a few lines. The third is `remove` and not a
 * list: names are known to those who wrote them, but what was written must be possible to take back.
 */
export interface Store {
  /** null where nothing has this name. */
  read(name: string): Promise<Uint8Array | null>;
  /** All or nothing: whenever it is interrupted, `read` gives the bytes from before or the new ones. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Nothing happens where nothing has this name. */
  remove(name: string): Promise<void>;
}

/** Keeps bytes as long as the process or page lives. */
export function memoryStore(): Store {
  const kept = new Map<string, Uint8Array>();
  return {
    read: async (name) => kept.get(name)?.slice() ?? null,
    async write(name, bytes) {
      kept.set(name, new Uint8Array(bytes)); // not slice(): Node's Buffer would share its bytes
    },
    async remove(name) {
      kept.delete(name);
    },
  };
}
