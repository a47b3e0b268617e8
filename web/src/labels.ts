// The emotion labels in display order, and their colours.
import { FACE_LABELS, type RecognizerInfo, TEXT_LABELS } from 'mien/browser';

/** Labels that all modalities share, then those that only some have: the last modality's first. */
export function labelGroups(labels: RecognizerInfo['labels']): string[][] {
  const { fused, fine: _fine, ...own } = labels;
  const [first = [], ...others] = Object.values(own);
  const shared = fused ?? first.filter((label) => others.every((some) => some.includes(label)));
  const groups = [[...shared]];
  for (const some of Object.values(own).reverse())
    groups.push(some.filter((label) => !groups.flat().includes(label)));
  return groups.filter((group) => group.length > 0);
}

const coloured = new Set<string>([...TEXT_LABELS, ...FACE_LABELS].sort());

/** Shown until the model is loaded. */
export const defaultGroups: string[][] = labelGroups({ text: [...coloured], face: FACE_LABELS });

/** base.css has a colour for each of these labels. */
export const colourOf = (label: string): string => `var(--${coloured.has(label) ? label : 'other'})`;

const probe = document.createElement('span');
const resolved = new Map<string, Rgb>();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => resolved.clear());

export type Rgb = readonly [red: number, green: number, blue: number];

/** A label's colour for a canvas in the current colour scheme, 0 to 255 each; cached, since each camera frame needs it. */
export function rgbOfLabel(label: string): Rgb {
  const cached = resolved.get(label);
  if (cached) return cached;
  if (!probe.isConnected) document.body.append(Object.assign(probe, { hidden: true }));
  probe.style.color = colourOf(label);
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number);
  const colour: Rgb = [red, green, blue];
  resolved.set(label, colour);
  return colour;
}
