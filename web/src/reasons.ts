// An explanation as the page shows it: the share of words and face, tinted words, a heat map, and all of it in numbers.
import type { Explanation, WordAttribution } from 'mien/browser';
import { faceParts } from 'mien/page';
import { faceMap } from './face-map.js';
import { colourOf } from './labels.js';
import { make, percent, sentence } from './page.js';

export interface Given {
  readonly text?: string;
  readonly photograph?: ImageBitmap | undefined;
}

/** Words whose part is smaller have no number below them: there is one for each in the table. */
const LEAST_NUMBERED = 0.08;
/** A second word is named beside the first if it counts this much of it. */
const LEAST_TOLD = 0.3;

const signed = (value: number, digits = 1): string =>
  `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(digits)}`;

export function reasonsOf(explanation: Explanation, { text, photograph }: Given): HTMLElement[] {
  const { label, text: ofText, face } = explanation;
  const all = [
    make('h3', '', `What made it ${label}`),
    make('p', '', summaryOf(explanation)),
    ...sharesOf(explanation),
    ...(ofText && text !== undefined ? [tinted(text, ofText.words)] : []),
    ...(face && photograph ? [faceMap(face, photograph, label, partsOf(explanation))] : []),
    key(explanation),
    numbers(explanation),
  ];
  for (const one of all) one.style.setProperty('--colour', colourOf(label));
  return all;
}

/** In sentences, on the page as through a screen reader. */
export function summaryOf(explanation: Explanation): string {
  const { label, text, shares } = explanation;
  const [part] = partsOf(explanation);
  const [first, second] = byWeight(text?.words ?? []);
  const told = [first, second].filter(
    (word) => word && Math.abs(word.attribution) >= LEAST_TOLD * Math.abs(first!.attribution),
  );
  const quoted = told.map((word) => `“${word!.word}” (${signed(word!.attribution)})`).join(' and ');
  return [
    shares &&
      `Of what moved the answer, ${percent(shares.text.share)} came from the words (${signed(shares.text.value)}) ` +
        `and ${percent(shares.face.share)} from the face (${signed(shares.face.value)}).`,
    quoted && `What counted most ${shares ? 'among the words' : `for or against ${label}`}: ${quoted}.`,
    part && `What counted most in the face: the ${part[0]} (${signed(part[1])}).`,
  ]
    .filter((line) => line)
    .join(' ');
}

const byWeight = (words: readonly WordAttribution[]): WordAttribution[] =>
  [...words].sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));

/** Parts of the face by what they add, the largest first. */
function partsOf({ face }: Explanation): [part: string, value: number][] {
  const parts = face && faceParts(face);
  const rest = 'rest of it';
  return Object.entries(parts ?? {})
    .map(([part, value]): [string, number] => [part === 'elsewhere' ? rest : part, value])
    .sort(([a, one], [b, other]) =>
      // What is elsewhere is no place to point at.
      a === rest ? 1 : b === rest ? -1 : Math.abs(other) - Math.abs(one),
    );
}

function sharesOf({ shares }: Explanation): HTMLElement[] {
  if (!shares) return [];
  const part = (name: string, { value, share }: { value: number; share: number }): HTMLElement => {
    const made = make('span', value < 0 ? 'against' : 'for');
    made.style.flexGrow = String(share);
    return make('span', 'part', make('span', '', name), made);
  };
  const [words, face] = [part('words', shares.text), part('face', shares.face)];
  words.style.flexGrow = String(shares.text.share);
  face.style.flexGrow = String(shares.face.share);
  const bar = make('div', 'shares', words, face);
  bar.ariaHidden = 'true';
  return [bar];
}

/** The text as it was written, each word as strongly tinted as it counts; the table says the same to a screen reader. */
function tinted(text: string, words: readonly WordAttribution[]): HTMLElement {
  const most = Math.max(...words.map(({ attribution }) => Math.abs(attribution))) || 1;
  const line = make('p', 'tinted');
  let at = 0;
  for (const { word, start, end, attribution } of words) {
    const weight = Math.abs(attribution) / most;
    const number = weight < LEAST_NUMBERED ? '' : signed(attribution);
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
  const parts =
    'Words are weighed against blanks and the face against a blurred one, so that they do not add up to the shares. ';
  return make(
    'p',
    'key',
    make('span', 'swatch for'),
    ` speaks for ${label}, `,
    make('span', 'swatch against'),
    ` against it. +1 multiplies the odds of ${label} by 2.7. ${shares ? parts : ''}`,
    'These are this model’s reasons, and none of the person’s.',
  );
}

function numbers(explanation: Explanation): HTMLElement {
  const { label, text, shares } = explanation;
  const groups = [
    ...(shares
      ? [
          [
            ['all words', shares.text.value],
            ['the face', shares.face.value],
          ] as [string, number][],
        ]
      : []),
    (text?.words ?? []).map(({ word, attribution }): [string, number] => [word, attribution]),
    partsOf(explanation),
  ].filter((group) => group.length > 0);
  const table = make('table', 'numbers');
  table.createCaption().append(make('span', 'unseen', `What each adds to the log-odds of ${label}`));
  const head = table.createTHead().insertRow();
  for (const title of ['', `for ${label}`]) {
    const cell = make('th', '', title || make('span', 'unseen', 'What'));
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
  return make('details', '', make('summary', '', sentence('in numbers').slice(0, -1)), table);
}
