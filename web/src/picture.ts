// Pictures that are chosen or pasted, and files that are dropped; pictures are shown, and scaled down for recognition.
import { uprightBitmap } from 'mien/page';
import { element } from './page.js';

const stage = element('stage', 'div');
const file = element('file', 'input');
const shown = element('picture', 'img');

/** In pixels; larger pictures are scaled down, since no face needs more. */
const MAX_SIDE = 2048;

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** A copy for the worker. */
  copy(): Promise<ImageBitmap>;
  close(): void;
}

/** Calls back with every picture that is chosen or pasted, and every file that is dropped. */
export function onFile(callback: (file: Blob) => void): void {
  onChosen(file, callback);
  for (const name of ['dragenter', 'dragover', 'dragleave', 'drop'] as const)
    document.addEventListener(name, (event) => {
      event.preventDefault();
      stage.classList.toggle('dropping', name === 'dragenter' || name === 'dragover');
      const dropped = name === 'drop' ? event.dataTransfer?.files[0] : undefined;
      if (dropped) callback(dropped);
    });
  document.addEventListener('paste', ({ clipboardData }) => {
    const pasted = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
    if (pasted) callback(pasted);
  });
}

/** Calls back with the file that is chosen, also if it is the same one again. */
export function onChosen(input: HTMLInputElement, callback: (file: Blob) => void): void {
  input.addEventListener('change', () => {
    const [chosen] = input.files ?? [];
    if (chosen) callback(chosen);
    input.value = '';
  });
}

export const choosePicture = (): void => file.click();

function fileOf(bitmap: ImageBitmap): Promise<Blob> {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
  return canvas.convertToBlob({ type: 'image/webp' });
}

/** Shows a picture. @throws Error when the browser cannot read it. */
export async function openPicture(blob: Blob): Promise<Picture> {
  const { bitmap: whole, turned } = await uprightBitmap(blob).catch((cause: unknown) => {
    throw new Error('This browser cannot read that as a picture. JPEG, PNG and WebP always work.', { cause });
  });
  const scale = Math.min(1, MAX_SIDE / Math.max(whole.width, whole.height));
  const scaled = (side: number): number => Math.max(1, Math.round(side * scale));
  const [width, height] = [scaled(whole.width), scaled(whole.height)];
  const bitmap =
    scale < 1
      ? await createImageBitmap(whole, { resizeWidth: width, resizeHeight: height, resizeQuality: 'high' })
      : whole;
  if (bitmap !== whole) whole.close();
  URL.revokeObjectURL(shown.src);
  // Shown as it is recognised, so that boxes match the faces.
  shown.src = URL.createObjectURL(turned ? await fileOf(bitmap) : blob);
  await shown.decode().catch(() => undefined);
  return {
    width,
    height,
    copy: () => createImageBitmap(bitmap),
    close() {
      bitmap.close();
      URL.revokeObjectURL(shown.src);
      shown.removeAttribute('src');
    },
  };
}
