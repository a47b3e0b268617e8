// What the floors above call to get encoders.
export { loadFaceEncoder } from './load-face.js';
export { loadTextEncoder } from './load-text.js';
export type { LoadEncoderOptions } from './load-text.js';
export { loadVoiceEncoder, whisperTiny } from './load-voice.js';
export type { VoiceEncoder } from './load-voice.js';
