// Shows what was read: the answer, what decided, and the probabilities of each modality as bars.
import { isRecognition, type Probabilities, type Recognition, type Result } from 'mien/browser';
import { colourOf } from './labels.js';
import { element, make, percent, sentence } from './page.js';

const COLUMNS = ['together', 'words', 'face'] as const;
type Column = (typeof COLUMNS)[number];

interface Cell {
  readonly bar: HTMLElement;
  readonly number: HTMLElement;
}

const table = element('bars', 'table');
const verdict = element('verdict', 'p');
const by = element('by', 'p');
const gate = element('gate', 'div');
const knob = element('knob', 'span');
const notes = element('notes', 'ul');
const spoken = element('spoken', 'p');
const cells = new Map<string, Cell>();

/** Bits from which on text and face count as being at odds. */
const AT_ODDS = 0.4;

/** Lays out one row a label; groups are set apart. */
export function layOutRows(groups: readonly (readonly string[])[]): void {
  for (const body of [...table.tBodies]) body.remove();
  cells.clear();
  for (const group of groups) {
    const body = table.createTBody();
    for (const label of group) {
      const row = body.insertRow();
      row.style.setProperty('--colour', colourOf(label));
      const name = make('th', '', make('span', 'dot'), label);
      name.scope = 'row';
      row.append(name);
      for (const column of COLUMNS) {
        const cell = { bar: make('span', 'bar'), number: make('span', 'number', '–') };
        row.append(make('td', column, cell.number, make('span', 'track', cell.bar)));
        cells.set(`${label} ${column}`, cell);
      }
    }
  }
}

function fill(column: Column, probabilities: Probabilities | undefined): void {
  table.classList.toggle(`no-${column}`, !probabilities);
  for (const [key, { bar, number }] of cells) {
    const [label, of] = key.split(' ') as [string, Column];
    if (of !== column) continue;
    const share = probabilities?.[label];
    bar.style.width = `${100 * (share ?? 0)}%`;
    number.textContent = share === undefined ? '–' : percent(share);
    bar.parentElement!.hidden = share === undefined && probabilities !== undefined;
  }
}

/** Nothing was given. */
export function showNothing(): void {
  for (const column of COLUMNS) fill(column, undefined);
  verdict.replaceChildren('Nothing yet');
  verdict.classList.add('none');
  by.textContent = 'Write a sentence or show a face, and the reading appears here.';
  gate.hidden = true;
  notes.replaceChildren();
}

/** `quiet` leaves out what a screen reader would say aloud: a camera gives ten readings a second. */
export function show(result: Result, { quiet = false } = {}): void {
  if (isRecognition(result)) showRecognition(result);
  else {
    for (const column of COLUMNS) fill(column, undefined);
    verdict.replaceChildren('Nothing to read');
    verdict.classList.add('none');
    by.textContent = sentence(result.error.message);
    gate.hidden = true;
  }
  const messages = result.warnings.map(({ message }) => sentence(message));
  notes.replaceChildren(...messages.map((message) => make('li', '', message)));
  if (!quiet) say([verdict.textContent, by.textContent, ...messages].join('. '));
}

let lastSaid = '';

/** Says something through a screen reader, once. */
export function say(text: string): void {
  if (text !== lastSaid) spoken.textContent = lastSaid = text;
}

function showRecognition(recognition: Recognition): void {
  const { label, probabilities, text, face } = recognition;
  fill('together', probabilities);
  fill('words', text?.probabilities);
  fill('face', face?.probabilities);
  const dot = make('span', 'dot');
  dot.style.setProperty('--colour', colourOf(label));
  verdict.classList.remove('none');
  verdict.replaceChildren(dot, label, ' ', make('span', 'share', percent(probabilities[label]!)));
  by.textContent = decided(recognition);
  gate.hidden = false;
  knob.style.left = `${100 * shareOfFace(recognition)}%`;
}

const shareOfFace = ({ from, gate: read }: Recognition): number =>
  from === 'text' ? 0 : from === 'face' ? 1 : (read?.mean ?? 0.5);

function decided(recognition: Recognition): string {
  const { from, gate: read, disagreement = 0 } = recognition;
  if (from === 'text') return 'The words alone decided.';
  if (from === 'face') return 'The face alone decided.';
  const together = read
    ? `Words and face decided together; the gate gave the face ${percent(read.mean)} of the say.`
    : 'Words and face decided together.';
  return disagreement > AT_ODDS ? `${together} They are at odds.` : together;
}
