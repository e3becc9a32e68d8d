/** How fast one core is right now. */

/** A small part of a first cache, so that nothing but the core itself counts. */
const READ = new Int32Array(2048).fill(1);
const READINGS = 150;

/**
 * GB/s at which a core reads 8 kB again and again, 0.1 ms long: as many instructions at a time as it can start. Two threads of
 * a processor may share a core, and on a shared host the other one is somebody else's: while that one works, this is half to
 * two thirds of what it is otherwise.
 */
export function coreRate(): number {
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

/** Calls until the engine has compiled it for speed. */
export function warmUp(): void {
  for (let i = 0; i < 500; i++) coreRate();
}
