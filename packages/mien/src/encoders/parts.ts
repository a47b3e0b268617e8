// What mien-lab uses of this floor, as `mien/parts/encoders`: internals, which may change in any version.
export {
  type DecodedImage,
  type EncodedBoth,
  type EncoderIdentity,
  type FaceEncoder,
  rgbFromGrey,
  type TextEncoder,
} from './encoder.js';
export { decodeImage, decodeImages } from './images.js';
export { dimensionsOf, encodeInRuns, idsOf, IMAGES_PER_RUN, pixelsOf, TEXTS_PER_RUN } from './runs.js';
export { MANNERS, SEQUENCES } from './signs.js';
export { plainSequence } from './text-units.js';
export { createTokenizer, type Piece, readingOf, type Tokenizer } from './tokenizer.js';
export { meanOfViews, VIEWS, viewsInput, viewsOf } from './views.js';
