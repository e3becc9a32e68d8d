/**
 * Numbers that a side in any language can draw for itself: integer arithmetic on 32 bits and one product. The same in
 * `peers/torch/draw.py`.
 */

/** Element i of stream `seed`: uniform in [-limit, limit), by Chris Wellons' hash lowbias32. */
export function draw(seed: number, size: number, limit: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    let x = (i + Math.imul(seed, 0x9e3779b1)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    x = (x ^ (x >>> 16)) >>> 0;
    return ((x >>> 8) / 2 ** 23 - 1) * limit;
  });
}
