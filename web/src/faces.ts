// Boxes around the faces of the picture or the camera's image, each with what is read from it.
import { type FacePosterior, isRecognition, type Result } from 'mien/browser';
import { colourOf } from './labels.js';
import { element, make, percent } from './page.js';

const layer = element('faces', 'div');

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** As in a mirror. */
  readonly mirrored: boolean;
}

export const clearFaces = (): void => layer.replaceChildren();

/** Elements are kept from frame to frame, so that boxes move instead of flickering. */
export function showFaces(result: Result, frame: Frame): void {
  const faces = isRecognition(result) ? [result.face, ...(result.others ?? [])].filter((face) => !!face) : [];
  while (layer.children.length > faces.length) layer.lastElementChild!.remove();
  faces.forEach((face, i) => {
    const box = (layer.children[i] as HTMLElement | undefined) ?? layer.appendChild(newBox());
    place(box, face, frame);
    box.classList.toggle('other', i > 0);
  });
}

const newBox = (): HTMLElement => make('div', 'box', make('span', 'tag'));

function place(box: HTMLElement, { place: found, label, probabilities }: FacePosterior, frame: Frame): void {
  if (!found) return;
  const { x, y, width, height } = found.box;
  const left = frame.mirrored ? frame.width - x - width : x;
  const share = (value: number, of: number): string => `${((100 * value) / of).toFixed(2)}%`;
  Object.assign(box.style, {
    left: share(left, frame.width),
    top: share(y, frame.height),
    width: share(width, frame.width),
    height: share(height, frame.height),
  });
  box.style.setProperty('--colour', colourOf(label));
  // A tag above a face at the upper edge would be cut off.
  box.classList.toggle('high', y / frame.height < 0.12);
  box.firstElementChild!.textContent = `${label} ${percent(probabilities[label]!)}`;
}
