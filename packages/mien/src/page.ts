/**
 * What the demo page needs beyond `mien/browser`. It may change in any version.
 * @module mien/page
 */
export { resample } from './audio/resample.js';
export { createSegmenter, type SpeechSegment, speechSegments } from './audio/segments.js';
export { SPEECH_RATE } from './audio/speech.js';
export { AudioError } from './audio/waveform.js';
export { modalities } from './modalities/list.js';
export { decodeAudio } from './recognizer/browser/audio.js';
export { cachedFiles } from './recognizer/browser/files.js';
export { DETECTOR_FILE } from './detector/blazeface.js';
export {
  type Backend,
  type Device,
  type OpenRuntime,
  openRuntime,
  type RuntimeOptions,
  type WebRuntime,
} from './recognizer/browser/runtime.js';
export { uprightBitmap } from './recognizer/browser/upright.js';
export { faceParts, heatMap } from './recognizer/heat-map.js';
export { averageFrames } from './recognizer/sequence.js';
