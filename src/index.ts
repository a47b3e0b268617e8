// mien in Node: what `import … from 'mien'` gives there.
export { MienError, type ErrorCode, type ErrorPlace } from './base/errors.js';
export { FACE_LABELS, SHARED_LABELS, TEXT_LABELS } from './data/labels.js';
export type { FaceLabel, Label, SharedLabel, TextLabel } from './data/labels.js';
export { isRecognition } from './recognizer/facade.js';
export { loadRecognizer, type LoadOptions } from './recognizer/node/load.js';
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
