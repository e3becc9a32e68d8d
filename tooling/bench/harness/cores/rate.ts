/** How fast one core is right now, and what it has of the caches that it shares with others. */

/** In GB/s. */
export interface Rates {
  readonly core: number;
  readonly caches: number;
}

/** Each 0.1 ms long. */
export const ratesNow = (): Rates => ({ core: coreRate(), caches: cacheRate() });

/** A small part of a first cache, so that nothing but the core itself counts. */
const READ = new Int32Array(2048).fill(1);
const READINGS = 150;

/**
 * 8 kB are read again and again, as many instructions at a time as a core can start. Two threads of a processor may share
 * it, and on a shared host the other one is somebody else's: while that one works, this is half to two thirds of what it
 * is otherwise.
 */
function coreRate(): number {
  let sum = readAll();
  const start = performance.now();
  for (let i = 0; i < READINGS; i++) sum += readAll();
  const ms = performance.now() - start;
  return sum > 0 ? (READINGS * READ.byteLength) / (ms * 1e6) : 0; // nobody may leave the readings out
}

/** Eight sums of whole numbers, for a core adds that many before it waits for the first. */
function readAll(): number {
  let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < READ.length; i += 8) {
    a = (a + (READ[i] as number)) | 0;
    b = (b + (READ[i + 1] as number)) | 0;
    c = (c + (READ[i + 2] as number)) | 0;
    d = (d + (READ[i + 3] as number)) | 0;
    e = (e + (READ[i + 4] as number)) | 0;
    f = (f + (READ[i + 5] as number)) | 0;
    g = (g + (READ[i + 6] as number)) | 0;
    h = (h + (READ[i + 7] as number)) | 0;
  }
  return a + b + c + d + e + f + g + h;
}

/** More than a second cache holds, and a small part of a third one. Filled, for untouched pages are all one. */
const FAR = new Float64Array(3 * 2 ** 17).fill(1);

/** 3 MB are read once: neighbours take of the third cache and of the memory's bandwidth. */
function cacheRate(): number {
  const start = performance.now();
  const sum = readFar();
  const ms = performance.now() - start;
  return sum > 0 ? FAR.byteLength / (ms * 1e6) : 0;
}

/** Four words of each line. With fewer sums additions would wait for one another. */
function readFar(): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < FAR.length; i += 8) {
    a += FAR[i] as number;
    b += FAR[i + 2] as number;
    c += FAR[i + 4] as number;
    d += FAR[i + 6] as number;
  }
  return a + b + c + d;
}

/** Calls until the engine has compiled them for speed. */
export function warmUp(): void {
  for (let i = 0; i < 500; i++) ratesNow();
}

/** The mean of what `read` gives for 3 ms: neighbours who just left are there again soon. */
export function watch(read: () => Rates): Rates {
  read(); // what ran before has pushed FAR out of the caches
  const all: Rates[] = [];
  for (const start = performance.now(); performance.now() - start < WATCHED_MS; ) all.push(read());
  const mean = (kind: keyof Rates): number => all.reduce((sum, r) => sum + r[kind], 0) / all.length;
  return { core: mean('core'), caches: mean('caches') };
}

const WATCHED_MS = 3;
