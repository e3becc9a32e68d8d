/** What computes, why it and no other, and the choice among them. */

import type { BackendChoice } from '../protocol.ts';
import { byId, make, setText } from './elements.ts';
import type { Action, State } from './state.ts';
import type { View } from './view.ts';

const titles: Readonly<Record<string, string>> = {
  webgpu: 'WebGPU',
  wasm: 'WebAssembly',
  cpu: 'plain JavaScript',
};

export function backendView(dispatch: (action: Action) => void): View {
  const sheet = byId('backend', HTMLDetailsElement);
  const dot = byId('backend-dot', HTMLElement);
  const name = byId('backend-name', HTMLElement);
  const tried = byId('backend-tried', HTMLElement);
  const choice = byId('backend-choice', HTMLSelectElement);
  let shown: State['backend'] | undefined;
  let software = false;

  choice.addEventListener('change', () => {
    const name = choice.value as BackendChoice['name'];
    dispatch({ kind: 'choose backend', choice: { name, software } });
  });
  // A sheet over the page closes as sheets do.
  addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !sheet.open) return;
    sheet.open = false;
    sheet.querySelector('summary')?.focus();
  });
  addEventListener('pointerdown', ({ target }) => {
    if (sheet.open && target instanceof Node && !sheet.contains(target)) sheet.open = false;
  });

  return {
    show({ backend, choice: chosen }) {
      choice.value = chosen.name;
      software = chosen.software;
      if (backend === shown) return;
      shown = backend;
      dot.dataset.status = backend.status;
      setText(name, nameOf(backend));
      tried.replaceChildren(...reasons(backend).map((line) => make('li', {}, line)));
    },
  };
}

function nameOf(backend: State['backend']): string {
  if (backend.status === 'opening') return 'opening…';
  if (backend.status === 'failed') return 'no backend';
  return titles[backend.name] ?? backend.name;
}

function reasons(backend: State['backend']): readonly string[] {
  if (backend.status === 'opening') return ['It is being opened.'];
  if (backend.status === 'failed') return [backend.message];
  return [...backend.tried, ...backend.notes];
}
