/**
 * The laboratory: data sets, features, heads, training, experiments and reports.
 * @module mien-lab
 */
export { behaviourResults, readBehaviour } from './data/sentences.js';
export { prepareBesideIsear } from './data/corpora/prepare.js';
export { loadCorpora } from './data/corpora/read.js';
export { loadIsear } from './data/isear.js';
export { findDataSets } from './data/open.js';
export { pairFaces } from './data/pairing.js';
export { assignTexts } from './data/assign.js';
export { DEFAULT_SETTINGS, prepare } from './data/prepare.js';
export { loadRafdb } from './data/rafdb.js';
export { loadAllSpeech, loadSpeech, readClip, speakerFolds, type SpeechItem } from './data/speech.js';
export { majorityOf } from './data/votes.js';
export { bertConfig } from './encoders/bert.js';
export { efficientNetConfig, type EfficientNetConfig } from './encoders/efficientnet.js';
export { efficientNetTraining, isStatistic } from './encoders/efficientnet-training.js';
export { type FaceNetwork, faceNetworkParameters } from './encoders/face-network.js';
export {
  bertParameters,
  createTextEncoder,
  loadFaceEncoder,
  loadTextEncoder,
  readPretrainedText,
} from './encoders/load.js';
export {
  embedVoice,
  loadVoiceEncoder,
  readPretrainedVoice,
  type VoiceEncoder,
  whisperTiny,
} from './encoders/load-voice.js';
export { readPretrainedWords } from './encoders/load-words.js';
export { logMel, melFilters } from './encoders/log-mel.js';
export { embeddingWidth, unscaledPool, whisper } from './encoders/whisper.js';
export type { MobileFaceNetConfig } from './encoders/mobilefacenet.js';
export { profiles } from './encoders/profiles.js';
export { seedInterval } from './evaluate/intervals.js';
export { experimentData, type Selection } from './experiments/data.js';
export { environment } from './experiments/environment.js';
export {
  allowingForContradictions,
  type DecisionHead,
  decisionModel,
  type DecisionParts,
  partly,
} from './export/decision.js';
export { faceModel, linearTop, textModel, type Top } from './export/models.js';
export { voiceModel } from './export/voice.js';
export { corruptVoice, VOICE_CORRUPTIONS } from './export/voice-tests.js';
export { greyed, recropped } from './export/recrop.js';
export { wordsFiles, writeWords } from './export/words.js';
export { openFeatures } from './features/extract.js';
export { openProtocol } from './features/prepared.js';
export type {
  FeatureSet,
  FeatureSets,
  Fer2013Usage,
  SetName,
  SetProvenance,
  Split,
} from './features/sets.js';
export * from './heads/fusion.js';
export * from './heads/heads.js';
export { classify, isClassifier } from './learn/classifier.js';
export { decodeFaces } from './learn/face-images.js';
export { faceClassifier } from './learn/face-model.js';
export { learnVoice, readClips } from './learn/learn-voice.js';
export { readLearnedFace, readLearnedText, readLearnedVoice } from './learn/learned.js';
export { textLearnSettings, voiceLearnSettings } from './learn/settings.js';
export { textTrainee } from './learn/text-model.js';
export { corpusScores } from './learn/text-validation.js';
export { divideClips } from './learn/voice-clips.js';
export { voiceLogits } from './learn/voice-model.js';
export { type ExplanationFile, parseExplanation, readExplanation } from './report/model-file.js';
export { readResults } from './report/results.js';
export { headParameters } from './train/head-graph.js';
export { headBatches, headTrainee } from './train/head-task.js';
export { fitLogistic, type LogisticRegression } from './train/logistic.js';
export { type Standardization, standardization, standardizeInPlace } from './train/standardize.js';
export { createStepSession, initialState, type Trainee, traineeParameters } from './train/step.js';
