/**
 * The text that a character model learns from unless the visitor brings one: a diary of a harbour, made by a small
 * grammar. There is something to learn at every distance: how words are spelled, that verbs agree with their subjects,
 * that days go from morning to night. No text was taken from anywhere.
 */
import { bits, foldKey, type HostKey, hostKey } from '@ostinato/core/random';

/** In the order of a day; each day takes some of them. */
const times = ['at dawn', 'in the morning', 'at noon', 'in the afternoon', 'at dusk', 'at night'];

/** One, and several of them. */
const subjects = [
  ['the old ferry', 'the old ferries'],
  ['a grey heron', 'two grey herons'],
  ['the pilot', 'the pilots'],
  ['a small boat', 'three small boats'],
  ['the harbour dog', 'the harbour dogs'],
  ['a tired gull', 'many tired gulls'],
  ['the night watch', 'the watchmen'],
  ['a fishing boat', 'the fishing boats'],
] as const;

const verbs = [
  ['waits', 'wait'],
  ['sleeps', 'sleep'],
  ['turns slowly', 'turn slowly'],
  ['comes home', 'come home'],
  ['listens', 'listen'],
  ['rests', 'rest'],
] as const;

const places = [
  'by the quay',
  'under the bridge',
  'behind the lighthouse',
  'near the mill',
  'in the calm water',
  'between the islands',
];

const weather = [
  'the wind turns',
  'the rain stops',
  'the fog lifts',
  'the tide is low',
  'the bells ring',
  'snow falls on the sea',
];

/** Days of a diary, one per line, of about `characters` characters. */
export function littleText(characters = 24_000, seed = 0): string {
  let text = '';
  for (let day = 0; text.length < characters; day++) text += dayOf(foldKey(hostKey(seed), day));
  return text;
}

/** A line, or nothing on a day without anything to tell. */
function dayOf(key: HostKey): string {
  const drawn = bits(key, 64);
  let used = 0;
  const choose = <T>(from: readonly T[]): T =>
    from[Math.floor(((drawn[used++] as number) / 2 ** 32) * from.length)] as T;
  const told = times.filter(() => choose([true, false])).map((time) => sentence(time, choose));
  return told.length > 0 ? `${told.join(' ')}\n` : '';
}

function sentence(time: string, choose: <T>(from: readonly T[]) => T): string {
  const number = choose([0, 1] as const);
  const clause = `${choose(subjects)[number]} ${choose(verbs)[number]} ${choose(places)}`;
  return choose([
    `${time} ${clause}.`,
    `${time} ${clause}, and ${choose(weather)}.`,
    `${time} ${choose(weather)}.`,
  ]);
}
