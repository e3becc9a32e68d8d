/**
 * The inside of a cell while it reads: tokens from left to right, and for each quantity a row of colour per unit. Knows
 * what a look is; knows no worker.
 */
import { readEquations } from '../equations/read.ts';
import type { CellMap, Look } from '../protocol.ts';
import { visible } from './ask.ts';
import { cellTexts } from './cell-texts.ts';
import { byId, decimal, make, plural, setText } from './elements.ts';
import { rangeOf } from './range.ts';
import { type Run, shownTask } from './state.ts';
import { type Colour, colourOf, onTheme, ramp } from './theme.ts';
import type { View } from './view.ts';

/** Height of a unit's row, in CSS pixels: small enough for many, large enough to be touched for few. */
const rowHeight = (units: number): number => Math.max(3, Math.min(9, Math.round(144 / units)));
const VERDICT_HEIGHT = 44;
/** Below this a token's column is too narrow to read, and the picture scrolls. */
const NARROWEST = 12;

interface Cursor {
  readonly map: number;
  readonly token: number;
  readonly unit: number;
}

export function heatView(): View {
  const grid = byId('heat-grid', HTMLElement);
  const scroll = byId('heat-scroll', HTMLElement);
  const empty = byId('heat-empty', HTMLElement);
  const readout = make('p', { class: 'readout', 'aria-live': 'polite' });
  const table = tableView();
  let run: Run | null = null;
  let look: Look | null = null;
  let isSentiment = true;
  let tokens: readonly string[] = [];
  let heads: HTMLElement[] = [];
  let head: HTMLElement | null = null;
  let panels: Panel[] = [];
  let cursor: Cursor | null = null;
  let built = '';
  let colours = readColours();

  function draw(): void {
    if (!look || scroll.hidden) return;
    look.maps.forEach((map, i) => {
      panels[i]?.draw(map, { colours, at: cursor });
    });
    heads.forEach((span, i) => void span.classList.toggle('at', i === cursor?.token));
    say();
  }

  function say(): void {
    const map = cursor && look?.maps[cursor.map];
    if (!cursor || !map) {
      setText(readout, 'Point at a place to read its value.');
      return;
    }
    const value = map.values[cursor.token * map.units + cursor.unit] ?? Number.NaN;
    const where = map.units > 1 ? ` · unit ${cursor.unit + 1}` : '';
    const text = `“${tokens[cursor.token]}” · ${titleOf(map, run)}${where}: `;
    const number = decimal(value, 3);
    if (readout.textContent !== text + number) readout.replaceChildren(text, make('b', {}, number));
  }

  function pointAt(next: Cursor | null): void {
    cursor = next;
    draw();
  }

  function rebuild({ maps }: Look): void {
    head = make('div', { class: 'heat-tokens' });
    heads = tokens.map((token) => make('span', { title: token }, token));
    head.style.gridTemplateColumns = `repeat(${tokens.length}, minmax(0, 1fr))`;
    head.append(...heads);
    panels = maps.map((map, i) => panel(map, i, { run, tokens, pointAt }));
    grid.replaceChildren(readout, head, ...panels.flatMap(({ label, canvas }) => [label, canvas]));
    fit();
  }

  /** Words that do not fit side by side stand upright. */
  function fit(): void {
    if (!head || tokens.length === 0) return;
    const labels = Math.max(0, (panels[0]?.canvas.offsetLeft ?? 0) - grid.offsetLeft);
    const least = labels + tokens.length * NARROWEST;
    grid.style.minWidth = `${least}px`;
    scroll.classList.toggle('scrolls', least > scroll.clientWidth);
    const column = head.clientWidth / tokens.length;
    const longest = Math.max(...tokens.map((token) => Array.from(token).length));
    head.classList.toggle('letters', !isSentiment);
    head.classList.toggle('upright', longest > 1 && longest * 7.4 + 6 > column);
  }

  new ResizeObserver(() => {
    fit();
    draw();
  }).observe(scroll);
  onTheme(() => {
    colours = readColours();
    draw();
  });

  return {
    show(state) {
      if (state.run?.look === look && state.run?.id === run?.id) return;
      run = state.run;
      look = run?.look ?? null;
      isSentiment = shownTask(state) === 'sentiment';
      tokens = (look?.tokens ?? []).filter((t) => t.known).map((t) => visible(t.text));
      const isEmpty = !look || look.maps.length === 0;
      scroll.hidden = isEmpty;
      empty.hidden = !isEmpty;
      setText(
        empty,
        look
          ? 'Nothing of this text is known to the model.'
          : 'Once it trains, you see here what each unit does at each token.',
      );
      table(run, look, tokens);
      const shape = JSON.stringify([run?.id, tokens, look?.maps.map((m) => [m.name, m.units])]);
      if (look && !isEmpty && shape !== built) {
        built = shape;
        cursor = null;
        rebuild(look);
      }
      draw();
    },
  };
}

interface Panel {
  readonly label: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  draw(map: CellMap, how: { readonly colours: Colours; readonly at: Cursor | null }): void;
}

interface PanelGiven {
  readonly run: Run | null;
  readonly tokens: readonly string[];
  pointAt(cursor: Cursor | null): void;
}

function panel(first: CellMap, index: number, { run, tokens, pointAt }: PanelGiven): Panel {
  const { units, kind } = first;
  const title = titleOf(first, run);
  const canvas = make('canvas', { tabindex: '0', role: 'img' });
  const height = kind === 'verdict' ? VERDICT_HEIGHT : units * rowHeight(units);
  canvas.style.height = `${height}px`;
  const low = make('span');
  const high = make('span');
  const scale = make('div', { class: 'scale' }, low, make('i'), high);
  const symbol = symbolOf(first, run);
  const label = make(
    'div',
    { class: 'heat-label' },
    make('b', {}, title === symbol ? '' : `${title} `, make('i', { class: 'symbol' }, symbol)),
    ...(kind === 'verdict' ? [] : [scale]),
    ...equationOf(first, run).map((text) => make('code', {}, text)),
  );
  /** What the keyboard points at, also after the pointer has gone. */
  let at: Cursor = { map: index, token: 0, unit: 0 };
  const move = (token: number, unit: number): void => {
    const within = (n: number, size: number): number => Math.max(0, Math.min(size - 1, n));
    at = { map: index, token: within(token, tokens.length), unit: within(unit, units) };
    pointAt(at);
  };
  const point = ({ offsetX, offsetY }: PointerEvent): void =>
    move(
      Math.floor((offsetX / canvas.clientWidth) * tokens.length),
      Math.floor((offsetY / canvas.clientHeight) * units),
    );
  canvas.addEventListener('pointermove', point);
  canvas.addEventListener('pointerdown', point);
  canvas.addEventListener('pointerleave', ({ pointerType }) => {
    if (pointerType === 'mouse') pointAt(null);
  });
  canvas.addEventListener('keydown', (event) => {
    const by = steps[event.key];
    if (!by) return;
    event.preventDefault();
    move(at.token + by[0], at.unit + by[1]);
  });
  canvas.addEventListener('blur', () => pointAt(null));

  return {
    label,
    canvas,
    draw(map, { colours, at }) {
      const range = rangeOf(map.values);
      scale.className = `scale ${range.isSigned ? 'signed' : 'unsigned'}`;
      setText(low, range.isSigned ? `−${range.most}` : '0');
      setText(high, String(range.most));
      canvas.setAttribute('aria-label', described(title, map, tokens.length));
      const size = { width: canvas.clientWidth, height };
      const context = prepared(canvas, size);
      if (!context) return;
      const mine = at?.map === index ? at : null;
      if (kind === 'verdict') drawBars(context, map, { ...size, colours, tokens: tokens.length });
      else drawCells(context, map, { ...size, colours, tokens: tokens.length });
      if (at)
        drawCursor(context, mine, {
          ...size,
          colours,
          tokens: tokens.length,
          units,
          token: at.token,
        });
    },
  };
}

const steps: Readonly<Record<string, readonly [token: number, unit: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const described = (title: string, { units, kind }: CellMap, tokens: number): string =>
  kind === 'verdict'
    ? `${title} after each of ${plural(tokens, 'token')}. Arrow keys read the values.`
    : `${title}: ${plural(units, 'unit')} at ${plural(tokens, 'token')}. Arrow keys read the values.`;

/** A canvas with as many pixels as the screen has there, cleared; null while it has no size. */
function prepared(
  canvas: HTMLCanvasElement,
  { width, height }: { readonly width: number; readonly height: number },
): CanvasRenderingContext2D | null {
  const context = canvas.getContext('2d');
  if (!context || width === 0) return null;
  const density = devicePixelRatio;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  context.scale(density, density);
  return context;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly tokens: number;
  readonly colours: Colours;
}

interface Colours {
  readonly unsigned: readonly Colour[];
  readonly signed: readonly Colour[];
  readonly missing: Colour;
  readonly gap: string;
  readonly ink: string;
  readonly yes: string;
  readonly no: string;
  readonly ground: string;
}

const readColours = (): Colours => ({
  unsigned: ramp(['--heat-middle', '--heat-some', '--heat-much']),
  signed: ramp(['--heat-least', '--heat-less', '--heat-middle', '--heat-some', '--heat-much']),
  missing: ramp(['--violet', '--violet'])[0] as Colour,
  gap: colourOf('--card'),
  ink: colourOf('--ink'),
  yes: colourOf('--teal'),
  no: colourOf('--rust'),
  ground: colourOf('--sunken'),
});

/** One pixel per value, drawn large. */
function drawCells(
  context: CanvasRenderingContext2D,
  { values, units }: CellMap,
  { width, height, tokens, colours }: Frame,
): void {
  const { isSigned, most } = rangeOf(values);
  const palette = isSigned ? colours.signed : colours.unsigned;
  const image = new ImageData(tokens, units);
  for (let token = 0; token < tokens; token++)
    for (let unit = 0; unit < units; unit++) {
      const value = values[token * units + unit] as number;
      const share = isSigned ? (value / most + 1) / 2 : value;
      const colour = palette[Math.round(share * 255)] ?? colours.missing;
      image.data.set([...colour, 255], (unit * tokens + token) * 4);
    }
  const small = new OffscreenCanvas(tokens, units);
  small.getContext('2d')?.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width, height);
  context.fillStyle = colours.gap;
  if (width / tokens >= 8)
    for (let token = 1; token < tokens; token++)
      context.fillRect((token * width) / tokens - 0.5, 0, 1, height);
}

/** What the readout says after each token: up from the middle is yes, down is no; or, of one that expects, up only. */
function drawBars(
  context: CanvasRenderingContext2D,
  { values, name }: CellMap,
  { width, height, tokens, colours }: Frame,
): void {
  const base = name === 'positive' ? 0.5 : 0;
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, width, height);
  for (let token = 0; token < tokens; token++) {
    const value = values[token] as number;
    const [from, to] = [(1 - Math.max(value, base)) * height, (1 - Math.min(value, base)) * height];
    context.fillStyle = value >= base ? colours.yes : colours.no;
    const gap = Math.min(3, width / tokens / 6);
    context.fillRect(
      (token * width) / tokens + gap,
      from,
      width / tokens - 2 * gap,
      Math.max(1, to - from),
    );
  }
}

/** The column of the token in every picture, and the place in the one that is pointed at. */
function drawCursor(
  context: CanvasRenderingContext2D,
  mine: Cursor | null,
  {
    width,
    height,
    tokens,
    colours,
    units,
    token,
  }: Frame & { readonly units: number; readonly token: number },
): void {
  const column = width / tokens;
  context.strokeStyle = colours.ink;
  context.lineWidth = 1;
  context.strokeRect(token * column + 0.5, 0.5, column - 1, height - 1);
  if (!mine || units === 1) return;
  const row = height / units;
  context.lineWidth = 2;
  context.strokeRect(token * column, mine.unit * row, column, row);
}

/** What people call a quantity. */
function titleOf({ kind, name }: CellMap, run: Run | null): string {
  if (kind === 'verdict') return name === 'positive' ? 'so far positive' : 'was expected';
  const cell = run?.settings.cell;
  if (cell && cell.kind !== 'own') {
    const names: Readonly<Record<string, string>> = cellTexts[cell.kind].names;
    return names[name] ?? name;
  }
  return kind === 'output' ? 'output' : kind === 'state' ? 'state' : name;
}

const symbolOf = ({ kind, name }: CellMap, run: Run | null): string =>
  kind === 'verdict'
    ? ''
    : kind === 'state' && run?.settings.cell.kind === 'own'
      ? `${name}'`
      : name;

/** What gives a quantity, where the visitor wrote it. */
function equationOf({ kind, name }: CellMap, run: Run | null): string[] {
  const cell = run?.settings.cell;
  const reading = kind !== 'verdict' && cell?.kind === 'own' ? readEquations(cell.equations) : null;
  if (!reading?.ok) return [];
  const wanted = kind === 'state' ? 'next' : 'value';
  return reading.plan.lines.flatMap((line) =>
    line.kind === wanted && line.name === name ? [`= ${line.source}`] : [],
  );
}

/** A typed value may be called what the verdict is called. */
const keyOf = ({ kind, name }: CellMap): string => `${kind} ${name}`;

/** The same numbers as text, for those who cannot see the picture or want to be exact. */
function tableView(): (run: Run | null, look: Look | null, tokens: readonly string[]) => void {
  const fold = byId('table-fold', HTMLDetailsElement);
  const choice = byId('table-map', HTMLSelectElement);
  const table = byId('table', HTMLTableElement);
  let shown: { run: Run | null; look: Look | null; tokens: readonly string[] } = {
    run: null,
    look: null,
    tokens: [],
  };
  let listed = '';

  function fillTable(): void {
    const { look, tokens } = shown;
    const map = look?.maps.find((map) => keyOf(map) === choice.value);
    if (!fold.open || !map) return;
    const head = make('tr', {}, make('th', { scope: 'col' }, 'unit'));
    head.append(...tokens.map((token) => make('th', { scope: 'col' }, token)));
    const rows = Array.from({ length: map.units }, (_, unit) =>
      make(
        'tr',
        {},
        make('th', { scope: 'row' }, String(unit + 1)),
        ...tokens.map((_, token) =>
          make('td', {}, decimal(map.values[token * map.units + unit] as number)),
        ),
      ),
    );
    table.replaceChildren(make('thead', {}, head), make('tbody', {}, ...rows));
  }

  fold.addEventListener('toggle', fillTable);
  choice.addEventListener('change', fillTable);
  return (run, look, tokens) => {
    shown = { run, look, tokens };
    const maps = look?.maps ?? [];
    fold.hidden = maps.length === 0;
    const options = maps.map((map) => ({
      value: keyOf(map),
      title: [...new Set([titleOf(map, run), symbolOf(map, run)])].join(' ').trim(),
    }));
    const wanted = JSON.stringify(options);
    if (wanted !== listed) {
      listed = wanted;
      const kept = choice.value;
      choice.replaceChildren(
        ...options.map(({ value, title }) => make('option', { value }, title)),
      );
      if (options.some(({ value }) => value === kept)) choice.value = kept;
    }
    fillTable();
  };
}
