/** The page's address: what it asks for, for links and tests. What it does not know, it leaves out. */
import type { BackendChoice, CellChoice, Settings } from '../protocol.ts';
import { defaults, ladderNames, nearest, settingsOf } from './ladders.ts';

export interface Asked {
  readonly settings: Settings;
  readonly choice: BackendChoice;
}

/** `?backend=wasm&task=characters&cell=own&equations=h' = tanh(W x + U h)&units=16` */
export function readAddress(search: string): Asked {
  const asked = new URLSearchParams(search);
  const task = asked.get('task') === 'characters' ? 'characters' : 'sentiment';
  const numbers = ladderNames.flatMap((name) => {
    const value = Number(asked.get(name) || Number.NaN);
    return Number.isFinite(value) ? [[name, nearest(name, value)]] : [];
  });
  const seed = Number(asked.get('seed') ?? 0);
  const name = asked.get('backend');
  return {
    settings: {
      ...defaults,
      ...settingsOf(task),
      ...Object.fromEntries(numbers),
      cell: cellOf(asked),
      seed: Number.isSafeInteger(seed) && seed >= 0 ? seed : 0,
    },
    choice: {
      name: name === 'webgpu' || name === 'wasm' || name === 'cpu' ? name : 'auto',
      software: asked.get('software') === '1',
    },
  };
}

function cellOf(asked: URLSearchParams): CellChoice {
  const kind = asked.get('cell');
  const equations = asked.get('equations');
  if (kind === 'own' && equations !== null) return { kind, equations };
  return kind === 'elman' || kind === 'gru' || kind === 'lstm' ? { kind } : defaults.cell;
}
