// What the file names of corpora of acted speech say: label, speaker, sentence. Sources: Livingstone & Russo 2018 (RAVDESS),
// Burkhardt et al. 2005 (EMO-DB), Christop 2024 (nEMO), Pichora-Fuller & Dupuis 2020 (TESS), Cao et al. 2014 (CREMA-D).
import type { FaceLabel } from 'mien/parts/data';

export type SpeechCorpusName = 'crema-d' | 'emodb' | 'nemo' | 'ravdess' | 'tess';

/** What a clip's name says of it. */
export interface SpeechName {
  /** The corpus's own label, such as `calm`. */
  readonly source: string;
  /** Unique within the corpus. */
  readonly speaker: string;
  /** Code of what is said. */
  readonly sentence: string;
  readonly sex?: 'female' | 'male';
  /** Why the clip is no speech to learn from, such as a song. */
  readonly leftOut?: string;
}

export interface SpeechDefinition {
  readonly title: string;
  readonly language: string;
  /** The corpus's labels → one of the seven, or null where none fits. */
  readonly labels: Readonly<Record<string, FaceLabel | null>>;
  /** Spellings of its folder, in lower case without hyphens, underscores and spaces. */
  readonly folders: readonly string[];
  /** Clips that are known to be copies of others; re-encoded, their files differ. */
  readonly copies?: readonly string[];
  /** Reads a file name without its extension; undefined if it is not of this corpus. */
  readonly parse: (stem: string) => SpeechName | undefined;
  readonly terms: string;
}

const sexOf = (female: boolean) => (female ? 'female' : 'male');

const RAVDESS = ['neutral', 'calm', 'happy', 'sad', 'angry', 'fearful', 'disgust', 'surprised'];
const EMODB: Readonly<Record<string, string>> = {
  W: 'Wut',
  L: 'Langeweile',
  E: 'Ekel',
  A: 'Angst',
  F: 'Freude',
  T: 'Trauer',
  N: 'neutral',
};
const EMODB_MEN = ['03', '10', '11', '12', '15'];

export const SPEECH_CORPORA: Readonly<Record<SpeechCorpusName, SpeechDefinition>> = {
  'crema-d': {
    title: 'CREMA-D',
    language: 'English',
    labels: { ANG: 'anger', DIS: 'disgust', FEA: 'fear', HAP: 'joy', NEU: 'neutral', SAD: 'sadness' },
    folders: ['cremad', 'crema', 'audiowav'],
    // ACTOR_SENTENCE_EMOTION_LEVEL; one file has the level X instead of XX.
    parse: (stem) => {
      const [, speaker, sentence = '', source = ''] =
        /^(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(?:LO|MD|HI|XX?)$/.exec(stem) ?? [];
      return speaker === undefined ? undefined : { speaker, sentence, source };
    },
    terms: 'CREMA-D: Open Database License 1.0 (Cao et al. 2014)',
  },
  emodb: {
    title: 'EMO-DB',
    language: 'German',
    // Boredom lies between neutral and sadness and would blur both.
    labels: {
      Wut: 'anger',
      Ekel: 'disgust',
      Angst: 'fear',
      Freude: 'joy',
      neutral: 'neutral',
      Trauer: 'sadness',
      Langeweile: null,
    },
    folders: ['emodb', 'berlin', 'berlindatabase'],
    // SPEAKER SENTENCE EMOTION VERSION, the emotion by its German initial.
    parse: (stem) => {
      const [, speaker, sentence = '', letter = ''] =
        /^(0[389]|1[0-6])([ab]\d{2})([WLEAFTN])[a-z]$/.exec(stem) ?? [];
      if (speaker === undefined) return undefined;
      const sex = sexOf(!EMODB_MEN.includes(speaker));
      return { speaker, sentence, source: EMODB[letter]!, sex };
    },
    terms: 'EMO-DB: free to use (Burkhardt et al. 2005)',
  },
  nemo: {
    title: 'nEMO',
    language: 'Polish',
    labels: {
      anger: 'anger',
      fear: 'fear',
      happiness: 'joy',
      neutral: 'neutral',
      sadness: 'sadness',
      surprised: 'surprise',
    },
    folders: ['nemo'],
    parse: (stem) => {
      const [, speaker, source = '', sentence = ''] =
        /^([A-Z]{2,3}\d)_(anger|fear|happiness|neutral|sadness|surprised)_(\d+)$/.exec(stem) ?? [];
      return speaker === undefined ? undefined : { speaker, sentence, source };
    },
    terms: 'nEMO: CC BY-NC-SA 4.0 (Christop 2024)',
  },
  ravdess: {
    title: 'RAVDESS',
    language: 'English',
    // A quiet, even voice is none of the other six, and is what people sound like most of the time.
    labels: {
      neutral: 'neutral',
      calm: 'neutral',
      happy: 'joy',
      sad: 'sadness',
      angry: 'anger',
      fearful: 'fear',
      disgust: 'disgust',
      surprised: 'surprise',
    },
    folders: ['ravdess', 'audiospeechactors0124'],
    // One recording for both repetitions.
    copies: ['03-01-03-01-02-02-07'],
    // MODALITY-CHANNEL-EMOTION-INTENSITY-SENTENCE-REPETITION-ACTOR
    parse: (stem) => {
      const [, channel, emotion, sentence = '', actor] =
        /^0[1-3]-0([12])-0([1-8])-0[12]-0([12])-0[12]-(0[1-9]|1\d|2[0-4])$/.exec(stem) ?? [];
      if (actor === undefined) return undefined;
      const sex = sexOf(Number(actor) % 2 === 0);
      const name: SpeechName = {
        speaker: actor,
        sentence,
        source: RAVDESS[Number(emotion) - 1]!,
        sex,
      };
      return channel === '2' ? { ...name, leftOut: 'sung' } : name;
    },
    terms: 'RAVDESS: CC BY-NC-SA 4.0 (Livingstone & Russo 2018)',
  },
  tess: {
    title: 'TESS',
    language: 'English',
    labels: {
      angry: 'anger',
      disgust: 'disgust',
      fear: 'fear',
      happy: 'joy',
      neutral: 'neutral',
      ps: 'surprise',
      sad: 'sadness',
    },
    folders: ['tess', 'tesstorontoemotionalspeechsetdata', 'torontoemotionalspeechset'],
    // SPEAKER_WORD_EMOTION; some files of the older actress begin with OA.
    parse: (stem) => {
      const [, speaker, sentence = '', source = ''] =
        /^(OAF?|YAF)_(\w+?)_(angry|disgust|fear|happy|neutral|ps|sad)$/i.exec(stem) ?? [];
      if (speaker === undefined) return undefined;
      const actress = /^O/i.test(speaker) ? 'OAF' : 'YAF';
      return {
        speaker: actress,
        sentence: sentence.toLowerCase(),
        source: source.toLowerCase(),
        sex: 'female',
      };
    },
    terms: 'TESS: CC BY-NC-ND 4.0 (Pichora-Fuller & Dupuis 2020)',
  },
};

export const SPEECH_CORPUS_NAMES = Object.keys(SPEECH_CORPORA) as SpeechCorpusName[];

/** The corpus that names its files so, and what the name says. */
export function readSpeechName(stem: string): { corpus: SpeechCorpusName; name: SpeechName } | undefined {
  for (const corpus of SPEECH_CORPUS_NAMES) {
    const name = SPEECH_CORPORA[corpus].parse(stem);
    if (name !== undefined) return { corpus, name };
  }
  return undefined;
}
