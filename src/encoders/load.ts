// What the floors above call to get encoders.
export { loadFaceEncoder } from './load-face.js';
export { loadTextEncoder } from './load-text.js';
export type { LoadOptions } from './load-text.js';
