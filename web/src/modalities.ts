// What the loaded model reads, and what each of it is called on the page.
import type { Modality, Recognition } from 'mien/browser';

export interface ShownModality {
  readonly name: Modality;
  /** Heading of its column, after "the" in sentences: "words". */
  readonly column: string;
}

/** Shown until the model is loaded. */
let shown: readonly ShownModality[] = [
  { name: 'text', column: 'words' },
  { name: 'face', column: 'face' },
];

/** Those of the model, in the order of its decision. */
export const modalities = (): readonly ShownModality[] => shown;
export const setModalities = (all: readonly ShownModality[]): void => void (shown = all);

export const reads = (name: Modality): boolean => shown.some((one) => one.name === name);

/** Those in which an answer has something of its own. */
export const modalitiesIn = (recognition: Recognition): ShownModality[] =>
  shown.filter(({ name }) => recognition[name]);

/** "words", "words and face", "words, face and voice" */
export const listed = (names: readonly string[], last = 'and'): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;

/** "words, face" → "Words, face" */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
