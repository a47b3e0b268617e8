/**
 * mien in Node: what `import … from 'mien'` gives there.
 * @module mien
 */
export {
  FACE_LABELS,
  isRecognition,
  MienError,
  SHARED_LABELS,
  TEXT_LABELS,
  trackFaces,
} from './recognizer/shared.js';
export type * from './recognizer/shared.js';
export { loadRecognizer, type LoadOptions } from './recognizer/node/load.js';
