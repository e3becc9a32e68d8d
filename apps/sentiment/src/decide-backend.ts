/**
 * What `--backend auto` means here. It is tried in a process of its own, without a voice: where there is no driver Dawn
 * complains on stderr, but nobody asked for a GPU. Knows processes; what can be opened is in backends.ts.
 */
import { fork } from 'node:child_process';
import process from 'node:process';
import { type BackendName, firstThatOpens } from './backends.ts';

export function decideBackend(): Promise<BackendName> {
  const child = fork(new URL(import.meta.url), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('message', (name) => resolve(name as BackendName));
    // A driver that ends the process is none to compute with.
    child.on('exit', () => resolve('wasm'));
  });
}

if (import.meta.main) process.send?.(await firstThatOpens());
