// What mien-lab uses of this floor, as `mien/parts/modalities`: internals, which may change in any version.
export { modalities } from './list.js';
export type { FaceFinder, Modalities, ModalityDefinition, ModalityPart } from './modality.js';
export { partShape, posteriorShape } from './modality.js';
export { foreignLanguage } from './text/language.js';
