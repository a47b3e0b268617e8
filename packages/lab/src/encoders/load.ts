// What the floors above call to get encoders.
export { loadFaceEncoder } from './load-face.js';
export { loadTextEncoder } from './load-text.js';
export type { LoadEncoderOptions } from './load-text.js';
