/** Reads reviews from a table, plain or gzipped, line by line. Knows the four columns; knows no folder. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DatasetError } from '../errors.ts';
import type { Review } from '../reviews.ts';

const HEADER = 'label\trating\tid\ttext';

/**
 * @param file UTF-8, first line `HEADER`, perhaps with a byte order mark; gunzipped where the name ends in .gz. Blank
 * lines may follow the last review.
 * @param limit stops after so many reviews, and so does not see what is broken behind them
 * @returns reviews in the order of the file
 * @throws DatasetError `data-broken` with the file and the line, `data-missing` where the table has no reviews
 */
export async function readReviewTable(file: string, limit: number): Promise<Review[]> {
  const reviews: Review[] = [];
  let line = 0;
  let blank = 0;
  try {
    for await (const text of linesOf(file)) {
      line++;
      if (line === 1) requireHeader(file, text);
      else if (text === '') blank ||= line;
      else if (blank > 0)
        parseLine(file, blank, ''); // refused: none but the last lines are blank
      else reviews.push(parseLine(file, line, text));
      if (reviews.length >= limit) break;
    }
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    throw new DatasetError(
      'data-broken',
      `readImdb: ${file} cannot be read beyond line ${line}: ${(cause as Error).message}. Fetch or copy the file again.`,
      { cause },
    );
  }
  if (reviews.length > 0) return reviews;
  throw new DatasetError(
    'data-missing',
    `readImdb: ${file} has no reviews. Fetch or copy the file again.`,
  );
}

/**
 * Lines without their ends. Only the line feed ends a line: a text may hold any other separator of Unicode. Where the
 * first line ends in CRLF, a carriage return before a line feed is none of the text's.
 */
async function* linesOf(file: string): AsyncGenerator<string> {
  let end: string | undefined;
  for await (const line of rawLinesOf(file)) {
    const text = end === undefined ? line.replace(/^\uFEFF/, '') : line;
    end ??= text.endsWith('\r') ? '\r' : '';
    yield end !== '' && text.endsWith(end) ? text.slice(0, -1) : text;
  }
}

async function* rawLinesOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  let rest = '';
  const text = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.on('error', (error) => text.destroy(error));
  text.setEncoding('utf8');
  try {
    for await (const chunk of text) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop() as string;
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    bytes.destroy();
  }
}

function requireHeader(file: string, line: string): void {
  if (line === HEADER) return;
  throw new DatasetError(
    'data-broken',
    `readImdb: line 1 of ${file} is ${excerpt(line)}, wanted ${excerpt(HEADER)}. Give the table these four columns.`,
  );
}

function parseLine(file: string, line: number, content: string): Review {
  const [label, rating, id, text, ...more] = content.split('\t');
  const broken = (what: string): never => {
    throw new DatasetError(
      'data-broken',
      `readImdb: line ${line} of ${file} ${what}. Correct the line, or fetch the file again.`,
    );
  };
  if (text === undefined || more.length > 0) {
    return broken(`has ${content.split('\t').length} columns instead of 4: ${excerpt(content)}`);
  }
  if (label !== '0' && label !== '1') return broken(`has the label ${excerpt(label ?? '')}`);
  if (!/^([1-9]|10)$/.test(rating ?? '')) return broken(`has the rating ${excerpt(rating ?? '')}`);
  if (id === '' || id === undefined) return broken('has no id');
  if (text === '') return broken('has no text');
  return { text, label: label === '1' ? 1 : 0, rating: Number(rating), id };
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
