// What mien-lab uses of this floor, as `mien/parts/words`: internals, which may change in any version.
export {
  openTranscriber,
  type TranscribeOptions,
  type Transcriber,
  type Transcript,
  type TranscriptSegment,
} from './transcribe.js';
export { textOf, WORDS_FILES, wordsSchema, type WordsVocabulary } from './vocabulary.js';
