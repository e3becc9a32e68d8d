/** The editor of equations: colours what it reads, and says what is wrong where it is wrong. Knows no run. */
import { functionNames, functionOf } from '../equations/functions.ts';
import { presets } from '../equations/presets.ts';
import { type Reading, readEquations } from '../equations/read.ts';
import { isMatrix, namePattern, primePattern } from '../equations/syntax.ts';
import { typeScriptOf } from '../equations/typescript.ts';
import { byId, make, setText } from './elements.ts';

export interface Editor {
  show(text: string): void;
}

export function equationEditor(changed: (text: string) => void): Editor {
  const frame = byId('editor', HTMLElement);
  const area = byId('equations', HTMLTextAreaElement);
  const mirror = byId('equations-shown', HTMLPreElement);
  const said = byId('equations-said', HTMLElement);
  const preset = byId('preset', HTMLSelectElement);
  const program = byId('program', HTMLDetailsElement);
  const programText = byId('program-text', HTMLPreElement);
  const copy = byId('program-copy', HTMLButtonElement);
  let reading: Reading = readEquations('');

  setText(byId('equations-functions', HTMLElement), `Functions: ${functionNames.join(', ')}.`);
  preset.append(
    make('option', { value: '' }, 'a cell to change…'),
    ...presets.map(({ name }) => make('option', { value: name }, name)),
  );
  preset.addEventListener('change', () => {
    const chosen = presets.find(({ name }) => name === preset.value);
    if (chosen) changed(chosen.equations);
  });
  area.addEventListener('input', () => changed(area.value));
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(programText.textContent).then(
      () => setText(copy, 'Copied'),
      () => setText(copy, 'Select it and copy by hand'),
    );
  });
  program.addEventListener('toggle', showProgram);

  function showProgram(): void {
    if (!program.open) return;
    setText(copy, 'Copy');
    setText(
      programText,
      reading.ok ? typeScriptOf(reading.plan) : '// the equations do not fit yet',
    );
  }

  let shown: string | undefined;
  return {
    show(text) {
      if (text === shown) return;
      shown = text;
      reading = readEquations(text);
      if (area.value !== text) area.value = text;
      preset.value = presets.find(({ equations }) => equations === text)?.name ?? '';
      // A pre does not show the empty line behind a last line break, where the caret may stand.
      mirror.replaceChildren(...coloured(text, reading), '\n');
      frame.classList.toggle('wrong', !reading.ok);
      area.setAttribute('aria-invalid', String(!reading.ok));
      said.classList.toggle('wrong', !reading.ok);
      setText(said, sentence(text, reading));
      showProgram();
    },
  };
}

function sentence(text: string, reading: Reading): string {
  if (!reading.ok) return `Line ${reading.problem.at.line}: ${reading.problem.message}`;
  const { states, matrices, vectors } = reading.plan;
  const list = (of: readonly { readonly name: string }[]): string =>
    of.map(({ name }) => name).join(', ');
  const learned = list([...matrices, ...vectors]) || 'nothing';
  const about = presets.find(({ equations }) => equations === text)?.about;
  return `${about ? `${about} ` : ''}It remembers ${list(states)} and learns ${learned}.`;
}

const stateLine = new RegExp(`^\\s*(${namePattern})${primePattern}`, 'gmu');
const lastPrime = new RegExp(`${primePattern}$`);
const pieceOfLine = new RegExp(`#.*|${namePattern}${primePattern}?|[\\d.]+|\\s+|.`, 'gu');

/** The text in pieces, each in the colour of what it is. */
function coloured(text: string, reading: Reading): Node[] {
  const states = new Set([...text.matchAll(stateLine)].map(([, n]) => n));
  const learned = new Set(reading.ok ? reading.plan.vectors.map(({ name }) => name) : []);
  const classOf = (piece: string): string => {
    if (piece.startsWith('#')) return 't-comment';
    if (isMatrix(piece)) return 't-matrix';
    if (functionOf(piece) || piece === 'start') return 't-function';
    if (states.has(piece.replace(lastPrime, ''))) return 't-state';
    return learned.has(piece) ? 't-learned' : '';
  };
  const wrong = reading.ok ? null : reading.problem.at;
  return text.split('\n').flatMap((line, i) => {
    const pieces = [...line.matchAll(pieceOfLine)];
    const nodes: Node[] = pieces.map(({ 0: piece, index }) => {
      const isWrong =
        wrong?.line === i + 1 && index < wrong.column && wrong.column <= index + piece.length;
      const name = [classOf(piece), isWrong ? 't-wrong' : ''].join(' ').trim();
      return name === '' ? document.createTextNode(piece) : make('span', { class: name }, piece);
    });
    // What is missing is missing behind the end.
    if (wrong?.line === i + 1 && wrong.column > line.length)
      nodes.push(make('span', { class: 't-wrong' }, '  '));
    return i === 0 ? nodes : [document.createTextNode('\n'), ...nodes];
  });
}
