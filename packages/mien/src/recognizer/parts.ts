// What mien-lab uses of this floor, as `mien/parts/recognizer`: internals, which may change in any version.
export { compareSessions } from './agreement.js';
export { answerItems, type Placed } from './answer.js';
export { collapsed, collapseOf } from './collapse.js';
export { evaluateResults, type Judged } from './evaluation.js';
export { isRecognition } from './facade.js';
export { neededFiles } from './fetch-bundle.js';
export { faceFinder } from './finder.js';
export { restricted } from './labels.js';
export { answersOf } from './node/answers.js';
export { nodeDecoder } from './node/images.js';
export { itemsOfFile } from './node/items.js';
export { loadRecognizer } from './node/load.js';
export { createRecognizer } from './recognize.js';
export type {
  Completeness,
  Explanation,
  FacePlace,
  Item,
  Probabilities,
  Recognition,
  RecognizeOptions,
  Recognizer,
  Result,
} from './types.js';
