// Prepares an item for the models: token ids, face crops and warnings.
import { defined, messageOf, MienError, quoted, tagOf } from 'mien-engine/base';
import type { OpenBundle } from '../bundle/open.js';
import type { DecodedImage } from '../encoders/encoder.js';
import type { Tokenizer } from '../encoders/tokenizer.js';
import { isEmptyImage } from './absent.js';
import type { ReadItem } from './read-item.js';
import { prepareText, warning, type ReadText, type Side } from './read-text.js';
import type { DecodeImage, FacePlace, Failure, Point, RecognizeOptions, Warning } from './types.js';

/** Finds faces in photographs and crops them as the face encoder was trained. */
export interface FaceFinder {
  /** Largest first; `near` are the faces of the previous frame, where detection starts. */
  find(image: DecodedImage, near?: readonly FacePlace[]): Promise<readonly FacePlace[]>;
  /** `all` are all faces of the image if it was searched completely: a single one may fill the image. */
  crop(
    image: DecodedImage,
    place: FacePlace,
    all?: readonly FacePlace[],
  ): DecodedImage | Promise<DecodedImage>;
  /** Corners of the crop in the image; by default those of the face's box. */
  corners?(image: DecodedImage, place: FacePlace, all?: readonly FacePlace[]): Corners;
  dispose(): Promise<void>;
}

/** Upper left, upper right, lower right, lower left, in pixels of the image. */
export type Corners = readonly [Point, Point, Point, Point];

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

export interface Prepared {
  readonly text?: ReadText;
  /** The deciding face first; empty without an image, or without a face in it. */
  readonly crops: readonly Crop[];
  readonly warnings: readonly Warning[];
  /** Why there is nothing to recognise. */
  readonly error?: Failure['error'];
}

export interface PrepareContext {
  readonly faces: FaceFinder;
  readonly decode: DecodeImage;
  /** Undefined if the bundle does not read texts. */
  readonly tokenizer: Tokenizer | undefined;
  /** Whether the bundle reads faces. */
  readonly readsFaces: boolean;
  readonly options: RecognizeOptions;
}

/** The context of an open bundle's items. */
export const contextOf = (
  { tokenizer, manifest }: OpenBundle,
  rest: Pick<PrepareContext, 'faces' | 'decode' | 'options'>,
): PrepareContext => ({ ...rest, tokenizer, readsFaces: manifest.face !== undefined });

/** Faces smaller than this, in pixels of the image, have a warning: the smallest of the training sets are 48 wide. */
const SMALL_FACE = 40;
/** Maximum number of faces per photograph if all are requested. */
const MAX_FACES = 32;

/** Never throws for the content of an item: what cannot be read results in its error or a warning. */
export async function prepareItem(item: ReadItem, context: PrepareContext): Promise<Prepared> {
  const text = await prepareText(item.text, context.tokenizer);
  const image = await prepareImage(item.image, context);
  const warnings = [...text.warnings, ...image.warnings];
  const crops = image.crops ?? [];
  // A broken image is an error even with a text, since it was meant to be used.
  const broken = item.error ?? (image.error?.code === 'undecodable-image' ? image.error : undefined);
  const nothing = text.text === undefined && crops.length === 0;
  const error =
    broken ??
    (nothing
      ? (image.error ??
        text.error ?? { code: 'no-input' as const, message: 'there is neither a text nor an image' })
      : undefined);
  if (error) return { crops: [], warnings, error };
  // If one modality can be read, the error of the other becomes a warning.
  const left = [text.error, image.error].flatMap((lost) =>
    lost ? [warning(lost.code as 'empty-text' | 'empty-image' | 'no-face', lost.message)] : [],
  );
  return {
    ...defined({ text: text.text }),
    crops,
    warnings: [...warnings, ...left],
  };
}

async function prepareImage(
  given: unknown,
  { readsFaces, decode, faces, options }: PrepareContext,
): Promise<Side & { crops?: readonly Crop[] }> {
  if (given === undefined) return { warnings: [] };
  if (!readsFaces) return { warnings: [warning('image-missing', 'this bundle reads no faces')] };
  let image: DecodedImage;
  try {
    if (isEmptyImage(given))
      return { warnings: [], error: { code: 'empty-image', message: 'the image has no bytes' } };
    image = await decode(given);
  } catch (cause) {
    return { warnings: [], error: undecodable(cause) };
  }
  if (options.faces === 'cropped')
    return {
      warnings: sizeWarning(image),
      crops: [
        { image, place: null, corners: cornersOf({ x: 0, y: 0, width: image.width, height: image.height }) },
      ],
    };
  const found = options.places ?? (await faces.find(image, options.near));
  const [first] = found;
  if (first === undefined)
    return { warnings: [], error: { code: 'no-face', message: 'no face was found in the image' } };
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
  return { crops, warnings: [...several, ...sizeWarning(first.box)] };
}

/** The error of an item from anything thrown while reading its image, including by getters of the caller's object. */
export function undecodable(cause: unknown): Failure['error'] {
  // Even `instanceof` throws for some proxies.
  const isOurs = tagOf(cause) === 'Error' && cause instanceof MienError;
  const message = isOurs ? cause.message : `the image cannot be read (${quoted(messageOf(cause))})`;
  return { code: 'undecodable-image', message };
}

const sizeWarning = ({ width, height }: { width: number; height: number }): Warning[] =>
  Math.min(width, height) < SMALL_FACE
    ? [warning('small-face', `the face has only ${Math.round(width)} × ${Math.round(height)} pixels`)]
    : [];
