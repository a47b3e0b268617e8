// What mien-lab uses of this floor, as `mien/parts/explain`: internals, which may change in any version.
export { blankOf } from './blank.js';
export { cutOf } from './entrance.js';
export { createFaceExplainer } from './face.js';
export { explainedDifference } from './integrate.js';
export { rebuild } from './rebuild.js';
export { createTextExplainer } from './text.js';
