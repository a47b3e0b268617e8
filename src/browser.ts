// mien in browsers: what `import … from 'mien'` gives there.
export { MienError, type ErrorCode, type ErrorPlace } from './base/errors.js';
export { FACE_LABELS, SHARED_LABELS, TEXT_LABELS } from './data/labels.js';
export type { FaceLabel, Label, SharedLabel, TextLabel } from './data/labels.js';
export type { Comparison } from './recognizer/browser/agreement.js';
export type { Progress } from './recognizer/browser/files.js';
export type { BrowserImageSource } from './recognizer/browser/images.js';
export { loadRecognizer, type BrowserRecognizer, type LoadOptions } from './recognizer/browser/load.js';
export type { Backend, Device, WebRuntime } from './recognizer/browser/runtime.js';
export { isRecognition } from './recognizer/facade.js';
export type {
  FacePlace,
  FacePosterior,
  Failure,
  FailureCode,
  Gate,
  ImageSource,
  Item,
  ModalityPosterior,
  Moment,
  Observation,
  Point,
  Probabilities,
  RawImage,
  Recognition,
  RecognizeOptions,
  Recognizer,
  RecognizerInfo,
  Result,
  Session,
  SessionOptions,
  Warning,
  WarningCode,
} from './recognizer/types.js';
