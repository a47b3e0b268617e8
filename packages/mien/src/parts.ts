/**
 * What mien-lab trains and measures: the parts of mien that are not its public API. They may change in any version.
 * @module mien/parts
 */
export { decodeAudio, type DecodeAudioOptions } from './audio/decode.js';
export { type ActivityDetector, type ActivityFeatures, createActivityDetector } from './audio/activity.js';
export { levelled, trimSilence } from './audio/level.js';
export { resample } from './audio/resample.js';
export {
  createSegmenter,
  type Segmenter,
  type SegmentOptions,
  speechSegments,
  type SpeechSegment,
} from './audio/segments.js';
export { createSileroDetector, type SileroDetector } from './audio/silero.js';
export type { AudioSource, RawAudio } from './audio/source.js';
export { type AudioNote, type Speech, SPEECH_RATE } from './audio/speech.js';
export { AudioError, type AudioFault } from './audio/waveform.js';
export { bundledModel, inPackage, packageVersion } from './base/package.js';
export { type Progress, silentProgress } from './base/progress.js';
export { defineSettings, type Settings, type SettingsSources } from './base/settings.js';
export {
  type Decision,
  type DecisionOutput,
  jointName,
  type LabelPrior,
  openDecision,
  PRIOR_INPUTS,
  type Side,
  type Sides,
  subsetsOf,
} from './bundle/decision.js';
export { readBundle, writeBundle } from './bundle/folder.js';
export {
  answerLabels,
  BUNDLE_FORMAT,
  type BundleManifest,
  type BundleParts,
  FILES,
  fusedIn,
  fuses,
  jointPrior,
  labelsOf,
  MANIFEST_NAME,
  manifestSchema,
  MODALITIES,
  modalitiesOf,
  type Modality,
  partOf,
  sharedLabels,
} from './bundle/manifest.js';
export { type Encoded, type OpenBundle, openBundle } from './bundle/open.js';
export {
  type Column,
  renderMarkdown,
  renderText,
  type RowGroup,
  type TextLayout,
  type TextTable,
  wrap,
} from './cli/text-table.js';
export { cleanTexts, normalizeText, textKey, textProblem } from './data/cleaning.js';
export { cellName, cellText, checkColumn, foldName, isWrong } from './data/columns.js';
export { csvRecords, readRecords } from './data/csv.js';
export {
  ALL_LABELS,
  FACE_LABELS,
  type FaceLabel,
  FER2013_FOLDERS,
  FER2013_NUMBERS,
  ISEAR_NUMBERS,
  isFaceLabel,
  isLabel,
  isSharedLabel,
  isTextLabel,
  type Label,
  labelsInCommon,
  RAFDB_NUMBERS,
  SHARED_LABELS,
  type SharedLabel,
  TEXT_LABELS,
  type TextLabel,
} from './data/labels.js';
export {
  findFolder,
  isImageName,
  kindOf,
  type Lines,
  listFolder,
  problems,
  type Problems,
  readLines,
  readParts,
  sniffText,
} from './data/reading.js';
export { type Row, rowsOf } from './data/rows.js';
export type {
  Assignment,
  CorpusText,
  CountTable,
  DataSets,
  DropReason,
  FaceDataset,
  FaceDuplicates,
  FaceImage,
  FaceItem,
  FaceVotes,
  IsearForm,
  Loaded,
  LoadedFer2013,
  LoadedIsear,
  LoadedRafdb,
  DataSetOptions,
  Protocol,
  ProtocolFace,
  ProtocolSettings,
  ProtocolText,
  Repeats,
  SetCounts,
  Skipped,
  Split,
  TextItem,
} from './data/types.js';
export { cutOut, type Frame } from './detector/frame.js';
export type {
  DecodedImage,
  EncodedBoth,
  EncoderIdentity,
  FaceEncoder,
  TextEncoder,
} from './encoders/encoder.js';
export { rgbFromGrey } from './encoders/grey.js';
export { decodeImage, decodeImages } from './encoders/images.js';
export {
  dimensionsOf,
  encodeInRuns,
  idsOf,
  IMAGES_PER_RUN,
  pixelsOf,
  TEXTS_PER_RUN,
} from './encoders/runs.js';
export { MANNERS, SEQUENCES } from './encoders/signs.js';
export { plainSequence } from './encoders/text-units.js';
export { createTokenizer, type Piece, readingOf, type Tokenizer } from './encoders/tokenizer.js';
export { meanOfViews, VIEWS, viewsInput, viewsOf } from './encoders/views.js';
export {
  bootstrapMeans,
  bootstrapPValue,
  type Factor,
  factorOf,
  percentileInterval,
  quantile,
  resampleMeans,
} from './evaluate/bootstrap.js';
export { type Evidence, fitTemperature, labelPrior, productOfPosteriors } from './evaluate/calibration.js';
export { type Certainty, COVERAGES, leastConfidence, leastPosterior } from './evaluate/certainty.js';
export {
  answerThresholds,
  judged,
  type ReliabilityBin,
  reliabilityBins,
  type RiskCoverage,
  riskCoverage,
} from './evaluate/confidence.js';
export {
  groupAccuracies,
  type GroupAccuracy,
  type Interval,
  meanOf,
  wilsonInterval,
} from './evaluate/intervals.js';
export {
  brierScore,
  confusionMatrix,
  type ConfusionMatrix,
  evaluateScores,
  expectedCalibrationError,
  labelAt,
  type LabelScore,
  logLoss,
  meanAreaUnderRoc,
  meansOverOccurring,
  type OccurringMeans,
  scoreOf,
} from './evaluate/metrics.js';
export {
  argmax,
  hitsAgainst,
  movePrior,
  priorShift,
  pick,
  restrictLogits,
  restrictPosteriors,
  restrictPrior,
  rowCount,
  scores,
  type Scores,
  toPosteriors,
} from './evaluate/scores.js';
export { testResult, type TestResult } from './evaluate/test-result.js';
export { blankOf } from './explain/blank.js';
export { cutOf } from './explain/entrance.js';
export { createFaceExplainer } from './explain/face.js';
export { explainedDifference } from './explain/integrate.js';
export { rebuild } from './explain/rebuild.js';
export { createTextExplainer } from './explain/text.js';
export { modalities } from './modalities/list.js';
export type { FaceFinder, Modalities, ModalityDefinition, ModalityPart } from './modalities/modality.js';
export { partShape, posteriorShape } from './modalities/modality.js';
export { foreignLanguage } from './modalities/text/language.js';
export { compareSessions } from './recognizer/agreement.js';
export { answerItems, type Placed } from './recognizer/answer.js';
export { collapsed, collapseOf } from './recognizer/collapse.js';
export { evaluateResults, type Judged } from './recognizer/evaluation.js';
export { isRecognition } from './recognizer/facade.js';
export { neededFiles } from './recognizer/fetch-bundle.js';
export { faceFinder } from './recognizer/finder.js';
export { restricted } from './recognizer/labels.js';
export { answersOf } from './recognizer/node/answers.js';
export { nodeDecoder } from './recognizer/node/images.js';
export { itemsOfFile } from './recognizer/node/items.js';
export { loadRecognizer } from './recognizer/node/load.js';
export { createRecognizer } from './recognizer/recognize.js';
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
} from './recognizer/types.js';
export {
  openTranscriber,
  type TranscribeOptions,
  type Transcriber,
  type Transcript,
  type TranscriptSegment,
} from './words/transcribe.js';
export { textOf, WORDS_FILES, wordsSchema, type WordsVocabulary } from './words/vocabulary.js';
