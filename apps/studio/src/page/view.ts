/** A part of the page that shows the state, and touches only what has changed. */
import type { State } from './state.ts';

export interface View {
  show(state: State): void;
}
