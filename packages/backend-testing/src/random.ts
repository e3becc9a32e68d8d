/** Seeded random numbers, counter-based: the same case draws the same numbers on every machine, whatever ran before. */
import { coerce, type DType, isFloat } from '@ostinato/core/backend';

export interface Random {
  /** 32 random bits. */
  word(): number;
  /** A float in [low, high). */
  float(low: number, high: number): number;
  /** A whole number in low..high, both included. */
  whole(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  shuffle<T>(list: readonly T[]): T[];
}

export function random(seed: string): Random {
  let key = 0x811c9dc5;
  for (const letter of seed) key = Math.imul(key ^ (letter.codePointAt(0) as number), 0x01000193);
  let counter = 0;
  const word = (): number => mix(key + Math.imul(++counter, 0x9e3779b9));
  const float = (low: number, high: number): number => low + (word() / 2 ** 32) * (high - low);
  const whole = (low: number, high: number): number => Math.floor(float(low, high + 1));
  return {
    word,
    float,
    whole,
    chance: (probability) => float(0, 1) < probability,
    pick: (list) => list[whole(0, list.length - 1)] as (typeof list)[number],
    shuffle: (list) => {
      const out = [...list];
      for (let k = out.length - 1; k > 0; k--) {
        const other = whole(0, k);
        [out[k], out[other]] = [out[other] as (typeof out)[number], out[k] as (typeof out)[number]];
      }
      return out;
    },
  };
}

/** Mixes 32 bits so that neighbours have nothing in common ("lowbias32", Wellons). */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Elements for an input: floats around 1, integers small or any. */
export function elements(r: Random, dtype: DType, size: number): number[] {
  const one = (): number => {
    if (isFloat(dtype)) return coerce[dtype](r.float(-2, 2));
    if (dtype === 'bool') return r.whole(0, 1);
    return coerce[dtype](r.chance(0.7) ? r.whole(-9, 9) : r.word());
  };
  return Array.from({ length: size }, one);
}
