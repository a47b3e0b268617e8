// What mien-lab uses of this floor, as `mien/parts/detector`: internals, which may change in any version.
export { cutOut, type CropFrame } from './frame.js';
