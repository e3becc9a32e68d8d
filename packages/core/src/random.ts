/**
 * Random numbers on the host: words, keys, uniform numbers and permutations as pure functions of an explicit key.
 * Knows no tensor, no backend and no state, and imports nothing.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). It maps (key, counter) to two words, so the word at place i needs no other word. The second
 * counter word says what the block is for; two uses of one key never read the same block:
 *
 *   [i, 0] words   [i, 1] split   [data, 2] fold   [i, 3] permutation   [i, 4] second words of normal (devices only)
 *
 * Lanes 0 to 2 are computed on devices too and must give the same bits there.
 */

/** Two uint32 words. A key is used once; make more with `splitKey` or `foldKey`. */
export type HostKey = readonly [number, number];

const WORDS = 0;
const SPLIT = 1;
const FOLD = 2;
const PERMUTATION = 3;

/** Skein's constant for 32-bit words, xored into the key schedule so that a zero key has no zero schedule. */
const PARITY = 0x1bd11bda;
/** Rotations of rounds 1 to 8, from table 2 of the paper; they repeat from there. */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const GROUPS_OF_FOUR_ROUNDS = 5;

/**
 * The key of a seed: its upper and its lower 32 bits.
 *
 * @param seed a non-negative safe integer, 0 to 2**53 - 1
 * @throws RangeError when the seed is anything else
 */
export function hostKey(seed: number): HostKey {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(
      `hostKey: a seed is a whole number from 0 to 2**53 - 1, got ${String(seed)}. Pass such a number; hash a string or a date to one first.`,
    );
  }
  return [Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0];
}

/**
 * One block: a bijection of the counter for each key. Twenty rounds of add, rotate, xor; a key word is added before the
 * first round and after every fourth.
 *
 * @param key two uint32 words
 * @param counter two uint32 words
 * @returns two uint32 words; known answers are in Random123's `kat_vectors`
 */
export function threefry2x32(key: HostKey, counter: readonly [number, number]): [number, number] {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  const schedule = [k0, k1, k0 ^ k1 ^ PARITY] as const;
  let x = (counter[0] + k0) | 0;
  let y = (counter[1] + k1) | 0;
  for (let group = 1; group <= GROUPS_OF_FOUR_ROUNDS; group++) {
    const first = group % 2 === 1 ? 0 : 4;
    for (let round = first; round < first + 4; round++) {
      const turn = ROTATIONS[round] as number;
      x = (x + y) | 0;
      y = ((y << turn) | (y >>> (32 - turn))) ^ x;
    }
    x = (x + (schedule[group % 3] as number)) | 0;
    y = (y + (schedule[(group + 1) % 3] as number) + group) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/**
 * Random words: word i is the first word of block [i, 0].
 *
 * @param n how many, 0 to 2**32
 * @returns uint32 words of shape [n]
 * @throws RangeError when n is not such a number
 */
export function bits(key: HostKey, n: number): Uint32Array {
  const words = new Uint32Array(checkedCount('bits', n));
  for (let i = 0; i < n; i++) words[i] = threefry2x32(key, [i, WORDS])[0];
  return words;
}

/**
 * Several keys out of one: key i is block [i, 1].
 *
 * @param n how many, 0 to 2**32
 * @throws RangeError when n is not such a number
 */
export function splitKey(key: HostKey, n: number): HostKey[] {
  return Array.from({ length: checkedCount('splitKey', n) }, (_, i) =>
    threefry2x32(key, [i, SPLIT]),
  );
}

/**
 * The key of a numbered thing (an epoch, a step, a layer): block [data, 2].
 *
 * @param data taken modulo 2**32
 */
export function foldKey(key: HostKey, data: number): HostKey {
  return threefry2x32(key, [data >>> 0, FOLD]);
}

/**
 * Uniform numbers in [0, 1): the upper 24 bits of each word times 2**-24, exact in float32, so 1 never occurs.
 *
 * @param n how many, 0 to 2**32
 * @returns shape [n]
 * @throws RangeError when n is not such a number
 */
export function uniform(key: HostKey, n: number): Float32Array {
  return Float32Array.from(bits(key, n), (word) => (word >>> 8) * 2 ** -24);
}

/**
 * A random order of 0 to n - 1, by Fisher-Yates from the end: place i changes with place floor(u (i + 1)), where u are
 * the upper 53 of the 64 bits of block [i, 3] times 2**-53. There is no rejection, so place i costs one block; each
 * place's chance is off by less than 2**-52, and the whole order's distribution by less than n**2 * 2**-53. Only
 * integer steps and one rounded float64 product are used: the same order on every machine.
 *
 * @param n how many, 0 to 2**32
 * @returns shape [n], each of 0 to n - 1 once
 * @throws RangeError when n is not such a number
 */
export function permutation(key: HostKey, n: number): Uint32Array {
  const order = new Uint32Array(checkedCount('permutation', n));
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = n - 1; i > 0; i--) {
    const [high, low] = threefry2x32(key, [i, PERMUTATION]);
    const unit = (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
    const other = Math.floor(unit * (i + 1)); // at most i: unit <= 1 - 2**-53 and products round to nearest
    const kept = order[i] as number;
    order[i] = order[other] as number;
    order[other] = kept;
  }
  return order;
}

function checkedCount(name: string, n: number): number {
  if (Number.isSafeInteger(n) && n >= 0 && n <= 2 ** 32) return n;
  throw new RangeError(
    `${name}: the count is a whole number from 0 to 2**32, got ${String(n)}. Blocks are numbered by one 32-bit word; split the key to draw more.`,
  );
}
