// Reads an image for the face encoder: decodes it, finds faces and crops them.
import { messageOf, MienError, quoted, tagOf } from 'mien-engine/base';
import type { DecodedImage } from '../../encoders/encoder.js';
import { isEmptySource } from '../absent.js';
import {
  warning,
  type Corners,
  type FacePlace,
  type ItemError,
  type Reading,
  type ReadingOptions,
  type ReadingTools,
  type Warning,
} from '../modality.js';

/** The corners of an upright rectangle. */
export function cornersOf({ x, y, width, height }: FacePlace['box']): Corners {
  const [right, below] = [x + width, y + height];
  return [
    { x, y },
    { x: right, y },
    { x: right, y: below },
    { x, y: below },
  ];
}

export interface Crop {
  readonly image: DecodedImage;
  /** Corners in the original image. */
  readonly corners?: Corners;
  /** Null if the whole image is the face. */
  readonly place: FacePlace | null;
}

/** Faces smaller than this, in pixels of the image, have a warning: the smallest of the training sets are 48 wide. */
const SMALL_FACE = 40;
/** Maximum number of faces per photograph if all are requested. */
const MAX_FACES = 32;

/** Never throws for the content of an image: what cannot be read results in an error or a warning. */
export async function prepareImage(
  given: unknown,
  { decode, faces, options }: ReadingTools & { readonly options: ReadingOptions },
): Promise<Reading<Crop>> {
  let image: DecodedImage;
  try {
    if (isEmptySource(given)) return nothing({ code: 'empty-image', message: 'the image has no bytes' });
    image = await decode(given);
  } catch (cause) {
    return { ...nothing(undecodable(cause)), broken: true };
  }
  if (options.faces === 'cropped')
    return {
      warnings: sizeWarning(image),
      units: [
        { image, place: null, corners: cornersOf({ x: 0, y: 0, width: image.width, height: image.height }) },
      ],
    };
  const found = options.places ?? (await faces.find(image, options.near));
  const [first] = found;
  if (first === undefined) return nothing({ code: 'no-face', message: 'no face was found in the image' });
  // In a sequence only known faces are searched for, so that these may not be all; and frames are not cropped faces.
  const all = options.near || options.places ? undefined : found;
  const wanted = options.allFaces ? found.slice(0, MAX_FACES) : [first];
  const crops: Crop[] = [];
  for (const place of wanted)
    crops.push({
      place,
      image: await faces.crop(image, place, all),
      corners: faces.corners?.(image, place, all) ?? cornersOf(place.box),
    });
  const several =
    found.length > 1
      ? [warning('several-faces', `the image has ${found.length} faces; the largest one decides`)]
      : [];
  return { units: crops, warnings: [...several, ...sizeWarning(first.box)] };
}

const nothing = (error: ItemError): Reading<never> => ({ units: [], warnings: [], error });

/** The error of an item from anything thrown while reading its image, including by getters of the caller's object. */
export function undecodable(cause: unknown): ItemError {
  // Even `instanceof` throws for some proxies.
  const isOurs = tagOf(cause) === 'Error' && cause instanceof MienError;
  const message = isOurs ? cause.message : `the image cannot be read (${quoted(messageOf(cause))})`;
  return { code: 'undecodable-image', message };
}

const sizeWarning = ({ width, height }: { width: number; height: number }): Warning[] =>
  Math.min(width, height) < SMALL_FACE
    ? [warning('small-face', `the face has only ${Math.round(width)} × ${Math.round(height)} pixels`)]
    : [];
