// Boxes around the faces of the picture or the camera's frame, each with its label.
import { type FacePosterior, isRecognition, type Result } from 'mien/browser';
import { colourOf } from './labels.js';
import { element, make, percent } from './page.js';

const layer = element('faces', 'div');

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Whether it is shown mirrored, as the camera is. */
  readonly mirrored: boolean;
}

interface Box {
  readonly element: HTMLElement;
  readonly tag: HTMLElement;
}
let boxes: Box[] = [];

export function clearFaces(): void {
  layer.replaceChildren();
  boxes = [];
}

/** Boxes are reused from frame to frame, so that they move instead of flickering. */
export function showFaces(result: Result, frame: Frame): void {
  const faces = isRecognition(result) ? [result.face, ...(result.others ?? [])].filter((face) => !!face) : [];
  for (const { element: surplus } of boxes.splice(faces.length)) surplus.remove();
  faces.forEach((face, i) => {
    const box = (boxes[i] ??= newBox());
    update(box, face, frame);
    box.element.classList.toggle('other', i > 0);
  });
}

function newBox(): Box {
  const tag = make('span', 'tag');
  const box = make('div', 'box', tag);
  layer.append(box);
  return { element: box, tag };
}

function update(
  { element: box, tag }: Box,
  { place, label, probabilities }: FacePosterior,
  frame: Frame,
): void {
  if (!place) return;
  const { x, y, width, height } = place.box;
  const left = frame.mirrored ? frame.width - x - width : x;
  const share = (value: number, of: number): string => `${((100 * value) / of).toFixed(2)}%`;
  Object.assign(box.style, {
    left: share(left, frame.width),
    top: share(y, frame.height),
    width: share(width, frame.width),
    height: share(height, frame.height),
  });
  box.style.setProperty('--colour', colourOf(label));
  // Above a face at the upper edge, the tag would be cut off.
  box.classList.toggle('high', y / frame.height < 0.12);
  tag.textContent = `${label} ${percent(probabilities[label])}`;
}
