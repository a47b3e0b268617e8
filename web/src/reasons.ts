// Renders an explanation: the shares of words and face, tinted words, a heat map, and all numbers in a table.
import type { Contribution, Explanation, FaceExplanation, WordAttribution } from 'mien/browser';
import { faceParts, heatMap } from 'mien/page';
import { colourOf, rgbOfLabel } from './labels.js';
import { modalities } from './modalities.js';
import { make, percent } from './page.js';

export interface ExplainedInput {
  readonly text?: string;
  readonly photograph?: ImageBitmap | undefined;
}

/** Share of the largest attribution below which a word has no number under it, only in the table. */
const MIN_NUMBERED = 0.08;
/** Share of the largest attribution from which a second word is mentioned. */
const MIN_MENTIONED = 0.3;

/** A modality's contribution, with its name on the page. */
type Contributed = readonly [column: string, contribution: Contribution];

/** The contributions of the modalities that the item has. */
const contributionsOf = ({ shares }: Explanation): Contributed[] =>
  modalities().flatMap(({ name, column }): Contributed[] => {
    const found = shares?.[name];
    return found ? [[column, found]] : [];
  });

const signed = (value: number, digits = 1): string =>
  `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(digits)}`;

export function reasonsOf(explanation: Explanation, { text, photograph }: ExplainedInput): HTMLElement[] {
  const { label, text: ofText, face } = explanation;
  const elements = [
    make('h3', '', `Why ${label}`),
    make('p', '', summaryOf(explanation)),
    ...sharesOf(explanation),
    ...(ofText && text !== undefined ? [tinted(text, ofText.words)] : []),
    ...(face && photograph ? [faceMap(face, photograph, label, partsOf(explanation))] : []),
    key(explanation),
    numbers(explanation),
  ];
  for (const one of elements) one.style.setProperty('--colour', colourOf(label));
  return elements;
}

/** A summary in sentences, for the page and screen readers. */
export function summaryOf(explanation: Explanation): string {
  const { text } = explanation;
  const shares = contributionsOf(explanation);
  const [part] = partsOf(explanation);
  const words = byWeight(text?.words ?? []).slice(0, 2);
  const largest = Math.abs(words[0]?.attribution ?? 0);
  const mentioned = words.filter(({ attribution }) => Math.abs(attribution) >= MIN_MENTIONED * largest);
  const quoted = mentioned.map(({ word, attribution }) => `“${word}” (${signed(attribution)})`).join(' and ');
  return [
    shares.length > 0 &&
      `${shares
        .map(
          ([column, { share, value }], i) =>
            `${percent(share)} ${i === 0 ? 'of the effect came ' : ''}from the ${column} (${signed(value)})`,
        )
        .join(', ')}.`,
    quoted && `Most important ${mentioned.length > 1 ? 'words' : 'word'}: ${quoted}.`,
    part && `Most important part of the face: ${part[0]} (${signed(part[1])}).`,
  ]
    .filter((line) => line)
    .join(' ');
}

const byWeight = (words: readonly WordAttribution[]): WordAttribution[] =>
  [...words].sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));

/** Parts of the face by the size of their attribution; the rest, which is no part to point at, last. */
function partsOf({ face }: Explanation): [part: string, value: number][] {
  const parts = face && faceParts(face);
  if (!parts) return [];
  const { elsewhere, ...named } = parts;
  const sorted = Object.entries(named).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  return [...sorted, ['rest of the face', elsewhere]];
}

function sharesOf(explanation: Explanation): HTMLElement[] {
  const shares = contributionsOf(explanation);
  if (shares.length === 0) return [];
  const part = (name: string, { value, share }: { value: number; share: number }): HTMLElement => {
    const coloured = make('span', value < 0 ? 'against' : 'for');
    const labelled = make('span', 'part', make('span', '', name), coloured);
    for (const one of [coloured, labelled]) one.style.flexGrow = String(share);
    return labelled;
  };
  const bar = make('div', 'shares', ...shares.map(([column, one]) => part(column, one)));
  bar.ariaHidden = 'true';
  return [bar];
}

/** The text with each word tinted by its attribution; screen readers read the table instead. */
function tinted(text: string, words: readonly WordAttribution[]): HTMLElement {
  const largest = Math.max(...words.map(({ attribution }) => Math.abs(attribution))) || 1;
  const line = make('p', 'tinted');
  let at = 0;
  for (const { word, start, end, attribution } of words) {
    const weight = Math.abs(attribution) / largest;
    const number = weight < MIN_NUMBERED ? '' : signed(attribution);
    const mark = make(
      'span',
      `word ${attribution < 0 ? 'against' : 'for'}`,
      make('span', '', word),
      make('small', '', number),
    );
    mark.style.setProperty('--weight', weight.toFixed(3));
    line.append(text.slice(at, start), mark);
    at = end;
  }
  line.append(make('span', 'unread', text.slice(at)));
  line.ariaHidden = 'true';
  return line;
}

function key({ label, shares }: Explanation): HTMLElement {
  const note =
    'Words are compared with blanks and the face with a blurred one, so their values do not add up to the shares. ';
  return make(
    'p',
    'key',
    make('span', 'swatch for'),
    ` is evidence for ${label}, `,
    make('span', 'swatch against'),
    ` against it. +1 multiplies the odds of ${label} by 2.7. ${shares ? note : ''}`,
    'These are the model’s reasons, not the person’s.',
  );
}

function numbers(explanation: Explanation): HTMLElement {
  const { label, text } = explanation;
  const groups = [
    contributionsOf(explanation).map(([column, { value }]): [string, number] => [`the ${column}`, value]),
    (text?.words ?? []).map(({ word, attribution }): [string, number] => [word, attribution]),
    partsOf(explanation),
  ].filter((group) => group.length > 0);
  const table = make('table', 'numbers');
  table.createCaption().append(make('span', 'unseen', `Contributions to the log-odds of ${label}`));
  const head = table.createTHead().insertRow();
  for (const title of ['', `for ${label}`]) {
    const cell = make('th', '', title || make('span', 'unseen', 'Word or part'));
    cell.scope = 'col';
    head.append(cell);
  }
  for (const group of groups) {
    const body = table.createTBody();
    for (const [name, value] of group) {
      const cell = make('th', '', name);
      cell.scope = 'row';
      body.insertRow().append(cell, make('td', '', signed(value, 2)));
    }
  }
  return make('details', '', make('summary', '', 'In numbers'), table);
}

/** Side of the canvas in pixels; the page shows it smaller. */
const SIDE = 448;

/** A heat map over the aligned face. */
function faceMap(
  face: FaceExplanation,
  photograph: ImageBitmap,
  label: string,
  parts: readonly (readonly [part: string, value: number])[],
): HTMLElement {
  const canvas = make('canvas', '');
  Object.assign(canvas, { width: SIDE, height: SIDE });
  canvas.role = 'img';
  const values = parts.map(([part, value]) => `${part} ${signed(value)}`).join(', ');
  canvas.ariaLabel = `Heat map of the face, evidence for ${label}${values && `: ${values}`}`;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context) {
    draw(context, photograph, face.corners);
    const { data, width, height } = heatMap(face, context.getImageData(0, 0, SIDE, SIDE), rgbOfLabel(label));
    context.putImageData(new ImageData(data, width, height), 0, 0);
  }
  return make('figure', 'face-map', canvas, make('figcaption', '', `${values}.`));
}

/** Draws the area between the corners so that it fills the canvas. */
function draw(
  context: CanvasRenderingContext2D,
  photograph: ImageBitmap,
  [corner, right, , below]: FaceExplanation['corners'],
): void {
  context.fillStyle = '#888';
  context.fillRect(0, 0, SIDE, SIDE);
  const [ux, uy] = [right.x - corner.x, right.y - corner.y];
  const [vx, vy] = [below.x - corner.x, below.y - corner.y];
  const scale = SIDE / (ux * vy - uy * vx);
  context.setTransform(
    scale * vy,
    -scale * uy,
    -scale * vx,
    scale * ux,
    scale * (corner.y * vx - corner.x * vy),
    scale * (corner.x * uy - corner.y * ux),
  );
  context.imageSmoothingQuality = 'high';
  context.drawImage(photograph, 0, 0);
  context.resetTransform();
}
