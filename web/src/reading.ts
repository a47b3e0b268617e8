// Shows a result: the answer, what decided it, and the probabilities of each modality as bars.
import { isRecognition, type Probabilities, type Recognition, type Result } from 'mien/browser';
import { colourOf } from './labels.js';
import { element, make, percent, sentence } from './page.js';

const COLUMNS = ['together', 'words', 'face'] as const;
type Column = (typeof COLUMNS)[number];

interface Cell {
  readonly label: string;
  readonly column: Column;
  readonly track: HTMLElement;
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
let cells: readonly Cell[] = [];

/** Disagreement in bits above which text and face are said to disagree. */
const MIN_DISAGREEMENT = 0.4;

/** Creates one row per label; groups are separated. */
export function layOutRows(groups: readonly (readonly string[])[]): void {
  for (const body of [...table.tBodies]) body.remove();
  cells = groups.flatMap((group) => {
    const body = table.createTBody();
    return group.flatMap((label) => {
      const row = body.insertRow();
      row.style.setProperty('--colour', colourOf(label));
      const name = make('th', '', make('span', 'dot'), label);
      name.scope = 'row';
      row.append(name);
      return COLUMNS.map((column): Cell => {
        const bar = make('span', 'bar');
        const track = make('span', 'track', bar);
        const number = make('span', 'number', '–');
        row.append(make('td', column, number, track));
        return { label, column, track, bar, number };
      });
    });
  });
}

function fill(column: Column, probabilities: Probabilities | undefined): void {
  table.classList.toggle(`no-${column}`, !probabilities);
  for (const { label, track, bar, number } of cells.filter((cell) => cell.column === column)) {
    const share = probabilities?.[label];
    bar.style.width = `${100 * (share ?? 0)}%`;
    number.textContent = percent(share);
    track.hidden = share === undefined && probabilities !== undefined;
  }
}

/** Without input. */
export function showNothing(): void {
  for (const column of COLUMNS) fill(column, undefined);
  verdict.replaceChildren('Nothing yet');
  verdict.classList.add('none');
  by.textContent = 'Write a sentence or show a face to see the result here.';
  gate.hidden = true;
  notes.replaceChildren();
}

/** `quiet` does not announce the result to screen readers: a camera gives ten a second. */
export function show(result: Result, { quiet = false } = {}): void {
  if (isRecognition(result)) showRecognition(result);
  else {
    for (const column of COLUMNS) fill(column, undefined);
    verdict.replaceChildren('No result');
    verdict.classList.add('none');
    by.textContent = sentence(result.error.message);
    gate.hidden = true;
  }
  const messages = result.warnings.map(({ message }) => sentence(message));
  notes.replaceChildren(...messages.map((message) => make('li', '', message)));
  if (!quiet) announce([verdict.textContent, by.textContent, ...messages].join('. '));
}

let announced = '';

/** Announces a text to screen readers, unless it is the last one announced. */
export function announce(text: string): void {
  if (text !== announced) spoken.textContent = announced = text;
}

function showRecognition(recognition: Recognition): void {
  const { label, probabilities, text, face } = recognition;
  fill('together', probabilities);
  fill('words', text?.probabilities);
  fill('face', face?.probabilities);
  const dot = make('span', 'dot');
  dot.style.setProperty('--colour', colourOf(label));
  verdict.classList.remove('none');
  verdict.replaceChildren(dot, label, ' ', make('span', 'share', percent(probabilities[label])));
  by.textContent = decisionOf(recognition);
  gate.hidden = false;
  knob.style.left = `${100 * shareOfFace(recognition)}%`;
}

const shareOfFace = ({ from, gate: weight }: Recognition): number =>
  from === 'text' ? 0 : from === 'face' ? 1 : (weight?.mean ?? 0.5);

function decisionOf({ from, gate: weight, disagreement = 0 }: Recognition): string {
  if (from === 'text') return 'The words alone decided.';
  if (from === 'face') return 'The face alone decided.';
  const together = weight
    ? `Words and face decided together; the gate gave the face a weight of ${percent(weight.mean)}.`
    : 'Words and face decided together.';
  return disagreement > MIN_DISAGREEMENT ? `${together} They disagree.` : together;
}
