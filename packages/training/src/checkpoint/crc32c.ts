/** CRC-32C (Castagnoli; RFC 3720, appendix B.4), four bytes at a time. Knows bytes only. */

/** Reflected form of the polynomial 0x1EDC6F41. */
const POLYNOMIAL = 0x82f63b78;

/** Entry 256 k + b: what byte b does to the remainder k bytes later. */
const table = ((): Uint32Array => {
  const all = new Uint32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let x = byte;
    for (let bit = 0; bit < 8; bit++) x = x & 1 ? (x >>> 1) ^ POLYNOMIAL : x >>> 1;
    all[byte] = x;
  }
  for (let i = 256; i < all.length; i++) {
    const before = all[i - 256] as number;
    all[i] = (before >>> 8) ^ (all[before & 255] as number);
  }
  return all;
})();

/** The checksum of bytes; pass an earlier result to go on from there. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let x = ~before;
  let i = 0;
  const at = (k: number): number => bytes[k] as number;
  const entry = (k: number): number => table[k] as number;
  for (; i + 4 <= bytes.length; i += 4) {
    x ^= at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24);
    x =
      entry(768 + (x & 255)) ^
      entry(512 + ((x >>> 8) & 255)) ^
      entry(256 + ((x >>> 16) & 255)) ^
      entry(x >>> 24);
  }
  for (; i < bytes.length; i++) x = (x >>> 8) ^ entry((x ^ at(i)) & 255);
  return ~x >>> 0;
}
