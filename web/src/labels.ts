// The emotions in the order in which the page shows them, and their colours.
import { FACE_LABELS, type RecognizerInfo, TEXT_LABELS } from 'mien/browser';

/** Labels that words and faces share, then those of faces alone, then those of words alone. */
export function labelGroups(labels: RecognizerInfo['labels']): string[][] {
  const { text = [], face = [], fused } = labels;
  const shared = fused ?? text.filter((label) => face.includes(label));
  const rest = (of: readonly string[]): string[] => of.filter((label) => !shared.includes(label));
  return [[...shared], rest(face), rest(text)].filter((group) => group.length > 0);
}

const named = new Set<string>([...TEXT_LABELS, ...FACE_LABELS].sort());

/** Before the model is there: words may know every label that has a colour. */
export const usualGroups: string[][] = labelGroups({ text: [...named], face: FACE_LABELS });

/** base.css has a colour for each label of the usual models. */
export const colourOf = (label: string): string => `var(--${named.has(label) ? label : 'other'})`;

const probe = document.createElement('span');
const resolved = new Map<string, Rgb>();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => resolved.clear());

export type Rgb = readonly [red: number, green: number, blue: number];

/** A label's colour for a canvas, in light and dark: 0 to 255 each. Asked for with every frame of a camera. */
export function rgbOf(label: string): Rgb {
  const known = resolved.get(label);
  if (known) return known;
  if (!probe.isConnected) document.body.append(Object.assign(probe, { hidden: true }));
  probe.style.color = colourOf(label);
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number);
  const colour: Rgb = [red, green, blue];
  resolved.set(label, colour);
  return colour;
}
