// mien in Node: what `import … from 'mien'` gives there.
export * from './recognizer/shared.js';
export { loadRecognizer, type LoadOptions } from './recognizer/node/load.js';
