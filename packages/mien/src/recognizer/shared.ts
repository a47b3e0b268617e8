// What `mien` gives in Node and in browsers alike.
export { MienError, type ErrorCode, type ErrorPlace } from 'mien-engine';
export { FACE_LABELS, SHARED_LABELS, TEXT_LABELS } from '../data/labels.js';
export type { FaceLabel, Label, SharedLabel, TextLabel } from '../data/labels.js';
export { isRecognition } from './facade.js';
export { trackFaces, type FaceTracker, type TrackingOptions } from './tracking.js';
export type {
  AudioBufferLike,
  AudioSource,
  Completeness,
  Contribution,
  ExplainOptions,
  Explanation,
  FaceExplanation,
  FacePlace,
  FacePosterior,
  Failure,
  FailureCode,
  Gate,
  ImageSource,
  Item,
  LabelPrior,
  Modality,
  ModalityPosterior,
  TextPosterior,
  Moment,
  Observation,
  Point,
  Probabilities,
  RawAudio,
  RawImage,
  Recognition,
  RecognizeOptions,
  Recognizer,
  RecognizerInfo,
  Result,
  RecognitionSession,
  RecognitionSessionOptions,
  TextExplanation,
  VoicePosterior,
  Warning,
  WarningCode,
  WordAttribution,
} from './types.js';
