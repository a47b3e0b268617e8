// What mien-lab uses of this floor, as `mien/parts/audio`: internals, which may change in any version.
export { decodeAudio, type DecodeAudioOptions } from './decode.js';
export { type ActivityDetector, type ActivityFeatures, createActivityDetector } from './activity.js';
export { levelled, trimSilence } from './level.js';
export { resample } from './resample.js';
export {
  createSegmenter,
  type Segmenter,
  type SegmentOptions,
  speechSegments,
  type SpeechSegment,
} from './segments.js';
export { createSileroDetector, type SileroDetector } from './silero.js';
export type { AudioSource, RawAudio } from './source.js';
export { type AudioNote, type Speech, SPEECH_RATE } from './speech.js';
export { AudioError, type AudioFault } from './waveform.js';
