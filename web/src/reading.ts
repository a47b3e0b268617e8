// Shows a result: the answer, what decided it, and the probabilities of each modality as bars.
import {
  isRecognition,
  type Modality,
  type Probabilities,
  type Recognition,
  type Result,
} from 'mien/browser';
import { colourOf } from './labels.js';
import { capitalised, listed, modalities, modalitiesIn } from './modalities.js';
import { element, make, percent, sentence } from './page.js';

/** The column of the answer; the others are the modalities'. */
const TOGETHER = 'together';

interface Cell {
  readonly label: string;
  readonly column: string;
  readonly track: HTMLElement;
  readonly bar: HTMLElement;
  readonly number: HTMLElement;
}

const table = element('bars', 'table');
const verdict = element('verdict', 'p');
const by = element('by', 'p');
const gate = element('gate', 'div');
const notes = element('notes', 'ul');
const spoken = element('spoken', 'p');
let columns: readonly string[] = [];
let cells: readonly Cell[] = [];

/** Disagreement in bits above which two modalities are said to disagree. */
const MIN_DISAGREEMENT = 0.4;

/** Creates a column for each modality, and one row per label; groups are separated. */
export function layOutTable(groups: readonly (readonly string[])[]): void {
  const alone = modalities().map(({ column }) => column);
  columns = [TOGETHER, ...alone];
  table.replaceChildren();
  table.dataset['columns'] = String(columns.length);
  const caption = make(
    'span',
    'unseen',
    `Probability of each emotion: together, and by ${listed(alone)} alone`,
  );
  table.createCaption().append(caption);
  const head = table.createTHead().insertRow();
  const headings = [
    make('span', 'unseen', 'Emotion'),
    'Together',
    ...alone.map((name) => make('span', '', capitalised(name), make('span', 'alone', ' alone'))),
  ];
  for (const heading of headings) {
    const cell = make('th', '', heading);
    cell.scope = 'col';
    head.append(cell);
  }
  cells = groups.flatMap((group) => {
    const body = table.createTBody();
    return group.flatMap((label) => {
      const row = body.insertRow();
      row.style.setProperty('--colour', colourOf(label));
      const name = make('th', '', make('span', 'dot'), label);
      name.scope = 'row';
      row.append(name);
      return columns.map((column): Cell => {
        const bar = make('span', 'bar');
        const track = make('span', 'track', bar);
        const number = make('span', 'number', '–');
        row.append(make('td', column === TOGETHER ? TOGETHER : `${column} single`, number, track));
        return { label, column, track, bar, number };
      });
    });
  });
}

function fill(column: string, probabilities: Probabilities | undefined): void {
  table.classList.toggle(`no-${column}`, !probabilities);
  for (const { label, track, bar, number } of cells.filter((cell) => cell.column === column)) {
    const share = probabilities?.[label];
    bar.style.width = `${100 * (share ?? 0)}%`;
    number.textContent = percent(share);
    track.hidden = share === undefined && probabilities !== undefined;
  }
}

/** What to do to get an answer, by the modality that reads it. */
const INVITATIONS: Readonly<Record<Modality, string>> = {
  text: 'write a sentence',
  face: 'show a face',
  voice: 'speak',
};

/** Without an answer, and why there is none. */
export function showNothing(why?: string): void {
  const invitations = modalities().map(({ name }) => INVITATIONS[name]);
  withoutAnswer('Nothing yet', why ?? `${listed(invitations, 'or')} to see the result here`);
  notes.replaceChildren();
}

function withoutAnswer(title: string, why: string): void {
  for (const column of columns) fill(column, undefined);
  verdict.replaceChildren(title);
  verdict.classList.add('none');
  by.textContent = sentence(why);
  gate.hidden = true;
}

/** `quiet` does not announce the result to screen readers: a camera gives ten a second. */
export function show(result: Result, { quiet = false } = {}): void {
  if (isRecognition(result)) showRecognition(result);
  else withoutAnswer('No result', result.error.message);
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
  const { label, probabilities } = recognition;
  fill(TOGETHER, probabilities);
  for (const { name, column } of modalities()) fill(column, recognition[name]?.probabilities);
  const dot = make('span', 'dot');
  dot.style.setProperty('--colour', colourOf(label));
  verdict.classList.remove('none');
  verdict.replaceChildren(dot, label, ' ', make('span', 'share', percent(probabilities[label])));
  by.textContent = decisionOf(recognition);
  showGate(recognition);
}

interface Weight {
  readonly column: string;
  readonly share: number;
}

/** The weights that the gate gave; none without a gate that weighs all modalities of the answer. */
function weightsOf(recognition: Recognition): Weight[] {
  const present = modalitiesIn(recognition);
  const { gate: given } = recognition;
  if (!given || present.length < 2) return [];
  const { shares } = given;
  if (shares) return present.map(({ name, column }) => ({ column, share: shares[name] ?? 0 }));
  // A gate of words and face states the weight of the face.
  return present.length > 2
    ? []
    : present.map(({ name, column }) => ({ column, share: name === 'face' ? given.mean : 1 - given.mean }));
}

/** The weights as parts of a bar, which the sentence states in words. */
function showGate(recognition: Recognition): void {
  const weights = weightsOf(recognition);
  gate.hidden = weights.length === 0;
  if (gate.childElementCount !== weights.length)
    gate.replaceChildren(...weights.map(() => make('span', 'weight', make('span', ''))));
  weights.forEach(({ column, share }, i) => {
    const part = gate.children[i] as HTMLElement;
    part.firstElementChild!.textContent = column;
    part.style.flexGrow = share.toFixed(3);
  });
}

function decisionOf(recognition: Recognition): string {
  const present = modalitiesIn(recognition).map(({ column }) => column);
  if (present.length === 1) return `The ${present[0]} alone decided.`;
  return [
    `${capitalised(listed(present))} decided together${gateOf(recognition)}.`,
    disagreementOf(recognition),
  ]
    .filter(Boolean)
    .join(' ');
}

function gateOf(recognition: Recognition): string {
  const weights = weightsOf(recognition);
  const [first, last] = [weights[0], weights.at(-1)];
  if (!first || !last) return '';
  const given = weights.length === 2 ? [last] : weights;
  const shares = given.map(({ column, share }) => `the ${column} a weight of ${percent(share)}`);
  return `; the gate gave ${listed(shares)}`;
}

function disagreementOf({ disagreement = 0, disagreements }: Recognition): string {
  if (!disagreements) return disagreement > MIN_DISAGREEMENT ? 'They disagree.' : '';
  return Object.entries(disagreements)
    .filter(([, bits]) => bits > MIN_DISAGREEMENT)
    .map(([pair]) => {
      const columns = modalities().filter(({ name }) => pair.split('+').includes(name));
      return `${capitalised(listed(columns.map(({ column }) => column)))} disagree.`;
    })
    .join(' ');
}
