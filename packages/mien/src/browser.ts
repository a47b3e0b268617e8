/**
 * mien in browsers: what `import … from 'mien/browser'` gives, and to bundlers for browsers `from 'mien'` as well.
 * @module mien/browser
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
export type { Comparison } from './recognizer/agreement.js';
export type { LoadProgress } from './recognizer/browser/files.js';
export type { BrowserImageSource, Drawable } from './recognizer/browser/images.js';
export { loadRecognizer, type BrowserRecognizer, type LoadOptions } from './recognizer/browser/load.js';
export type { Backend, Device, WebRuntime } from './recognizer/browser/runtime.js';
