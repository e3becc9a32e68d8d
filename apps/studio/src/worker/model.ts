/**
 * One model for every task and every cell: ids to vectors, a recurrent layer, logits. Training, looking inside and
 * writing on are three ways to apply the same parts. Knows no data and no backend.
 */
import { type Cell, elman, exposed, gru, lstm, recurrent } from '@ostinato/cells';
import {
  add,
  argmax,
  gather,
  type Key,
  keys,
  reshape,
  scan,
  squeeze,
  Tensor,
} from '@ostinato/core';
import { type DenseParams, dense, type EmbeddingParams, embedding } from '@ostinato/layers';
import type { Model } from '@ostinato/training';
import { equationCell } from '../equations/cell.ts';
import { readEquations } from '../equations/read.ts';
import type { CellChoice, Settings } from '../protocol.ts';
import { SettingsError, type Task } from './task.ts';

/** Some tree of tensors: cells come from a table or from what somebody typed, and only they know more. */
type Tree = { readonly [name: string]: Tensor };
type AnyCell = Cell<Tree, Tree>;

export interface Params {
  readonly embedding: EmbeddingParams;
  readonly cell: Tree;
  readonly readout: DenseParams;
}

/** What happened at each step, [time, n]. */
export interface Inside {
  readonly logits: Tensor;
  readonly output: Tensor;
  readonly states: Tree;
  readonly gates: Tree;
}

/** The first `lengths` [1] of ids [1, time]. */
export interface Row {
  readonly ids: Tensor;
  readonly lengths: Tensor;
}

export interface StudioModel extends Model<Params> {
  /** In the order in which people think of them. */
  readonly names: Names;
  inside(params: Params, row: Row): Inside;
  /**
   * Goes on behind a row: at each step the largest of logits plus noise [steps, ids]. Gumbel noise draws from the
   * softmax that way (Gumbel 1954), and times a temperature from a sharper or softer one.
   *
   * @returns ids, int32 [steps]
   */
  writeOn(params: Params, row: Row, noise: Tensor): Tensor;
}

interface Names {
  readonly gates: readonly string[];
  readonly states: readonly string[];
  /** Whether the output is a quantity of its own, and none of the states. */
  readonly hasOutput: boolean;
}

export function studioModel(
  task: Pick<Task, 'ids' | 'outputs' | 'predicts'>,
  settings: Settings,
): StudioModel {
  const { units, embedding: inputs } = settings;
  const { cell, names } = cellOf(settings.cell, { inputs, units });
  const tokens = embedding({ words: task.ids, units: inputs });
  const layer = recurrent(cell, { returns: task.predicts });
  const steps = recurrent(exposed(cell), { returns: 'sequence' });
  const last = recurrent(cell, { returns: 'last' });
  const readout = dense({ inputs: units, units: task.outputs });
  return {
    names,
    init(key) {
      const [a, b, c] = keys(key, 3) as [Key, Key, Key];
      return { embedding: tokens.init(a), cell: layer.init(b), readout: readout.init(c) };
    },
    apply(params, ids, how) {
      const x = tokens.apply(params.embedding, ids); // [batch, time, inputs]
      return readout.apply(params.readout, layer.apply(params.cell, x, how));
    },
    inside(params, { ids, lengths }) {
      const x = tokens.apply(params.embedding, ids); // [1, time, inputs]
      const { output, state, gates } = steps.apply(params.cell, x, { lengths });
      const row = (t: Tensor): Tensor => squeeze(t, 0);
      const rows = (tree: Tree): Tree =>
        Object.fromEntries(Object.entries(tree).map(([name, t]) => [name, row(t)]));
      return {
        logits: row(readout.apply(params.readout, output)),
        output: row(output),
        states: rows(asRecord(state)),
        gates: rows(gates),
      };
    },
    writeOn(params, { ids, lengths }, noise) {
      const x = tokens.apply(params.embedding, ids);
      const { output, state } = last.unroll(params.cell, x, { lengths });
      const choose = (output: Tensor, noise: Tensor): Tensor =>
        argmax(add(readout.apply(params.readout, output), reshape(noise, [1, task.ids]))); // [1]
      const [, written] = scan(
        (carry: { state: Tree; output: Tensor }, noise: Tensor) => {
          const id = choose(carry.output, noise);
          const next = gather(params.embedding.table, id); // [1, inputs]
          const [state, output] = cell.step(params.cell, carry.state, next);
          return [{ state, output }, id] as const;
        },
        { state, output },
        noise,
        { label: 'write' },
      );
      return squeeze(written, 1);
    },
  };
}

/** A state that is a single tensor is the h of all equations. */
const asRecord = (state: Tree | Tensor): Tree => (state instanceof Tensor ? { h: state } : state);

interface Named {
  readonly cell: AnyCell;
  readonly names: Names;
}

/** @throws SettingsError where typed equations are no cell */
function cellOf(
  choice: CellChoice,
  sizes: { readonly inputs: number; readonly units: number },
): Named {
  const known = (cell: unknown, gates: readonly string[], states: readonly string[]): Named => ({
    cell: cell as AnyCell,
    names: { gates, states, hasOutput: false },
  });
  switch (choice.kind) {
    case 'elman':
      return known(elman(sizes), [], ['h']);
    case 'gru':
      return known(gru({ ...sizes, reset: 'after' }), ['r', 'z', 'n'], ['h']);
    case 'lstm':
      return known(lstm(sizes), ['i', 'f', 'g', 'o'], ['c', 'h']);
    case 'own': {
      const reading = readEquations(choice.equations);
      if (!reading.ok)
        throw new SettingsError(`Line ${reading.problem.at.line}: ${reading.problem.message}`);
      const { values, states, output } = reading.plan;
      const hasOutput = output.kind === 'value';
      const gates = [...values].flatMap(([name, size]) =>
        size === 'number' || (hasOutput && name === output.name) ? [] : [name],
      );
      return {
        cell: equationCell(reading.plan, sizes) as unknown as AnyCell,
        names: { gates, states: states.map(({ name }) => name), hasOutput },
      };
    }
  }
}
