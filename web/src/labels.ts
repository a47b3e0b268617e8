// The emotions in the order in which the page shows them, and their colours.
import { FACE_LABELS, SHARED_LABELS, TEXT_LABELS, type RecognizerInfo } from '../../src/browser.js';

/** Labels that words and faces share, then those of faces alone, then those of words alone. */
export function labelGroups(labels: RecognizerInfo['labels']): string[][] {
  const { text = [], face = [], fused } = labels;
  const shared = fused ?? text.filter((label) => face.includes(label));
  const rest = (of: readonly string[]): string[] => of.filter((label) => !shared.includes(label));
  return [[...shared], rest(face), rest(text)].filter((group) => group.length > 0);
}

/** Before the model is there. */
export const usualGroups: string[][] = labelGroups({
  ...{ text: TEXT_LABELS, face: FACE_LABELS, fused: SHARED_LABELS },
});

const named = new Set<string>([...TEXT_LABELS, ...FACE_LABELS]);

/** style.css has a colour for each label of the usual models. */
export const colourOf = (label: string): string => `var(--${named.has(label) ? label : 'other'})`;
