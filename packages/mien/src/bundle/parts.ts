// What mien-lab uses of this floor, as `mien/parts/bundle`: internals, which may change in any version.
export {
  type Decision,
  type DecisionOutput,
  jointName,
  type JointOutput,
  type LabelPrior,
  openDecision,
  PRIOR_INPUTS,
  type Side,
  type Sides,
  subsetsOf,
} from './decision.js';
export { readBundle, writeBundle } from './folder.js';
export {
  answerLabels,
  BUNDLE_FORMAT,
  type BundleManifest,
  type BundleParts,
  checkManifest,
  FILES,
  fusedIn,
  fuses,
  jointPrior,
  labelsOf,
  laterFiles,
  MANIFEST_NAME,
  manifestSchema,
  MODALITIES,
  modalitiesOf,
  type Modality,
  partOf,
  sharedLabels,
} from './manifest.js';
export { type Encoded, type OpenBundle, openBundle } from './open.js';
