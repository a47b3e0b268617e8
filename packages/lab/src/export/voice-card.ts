// What a card says of a bundle's voice: figures on speakers, through a telephone and in noise, label-matched triples, and what
// such figures do not say.
import type { TestResult } from 'mien/parts/evaluate';
import { SPEECH_CORPORA } from '../data/speech-names.js';
import type { VoiceClips } from '../learn/voice-clips.js';
import { fraction, table, withInterval } from './markdown.js';
import type { TripleTest } from './triple-tests.js';
import { VOICE_CORRUPTIONS, type VoiceTest, speakerOf } from './voice-tests.js';

/** Clips and speakers of a corpus in each part. */
export interface VoiceData {
  readonly corpus: string;
  readonly language: string;
  readonly clips: Readonly<Record<'training' | 'validation' | 'test', number>>;
  readonly speakers: Readonly<Record<'training' | 'validation' | 'test', number>>;
}

export interface VoiceEvaluation {
  readonly tests: readonly VoiceTest[];
  /** Empty where no texts and faces were given. */
  readonly triples: readonly TripleTest[];
  readonly data: readonly VoiceData[];
}

const PARTS = ['training', 'validation', 'test'] as const;

/** What each corpus was used for. */
export function voiceData({ training, validation, held }: VoiceClips): VoiceData[] {
  const parts = { training, validation, test: held };
  const names = [...new Set([...training, ...validation, ...held].map(({ corpus }) => corpus))].sort();
  return names.map((name) => {
    const own = (part: (typeof PARTS)[number]) => parts[part].filter(({ corpus }) => corpus === name);
    const each = (count: (part: (typeof PARTS)[number]) => number) => ({
      training: count('training'),
      validation: count('validation'),
      test: count('test'),
    });
    const { title, language } = SPEECH_CORPORA[name];
    return {
      corpus: title,
      language,
      clips: each((part) => own(part).length),
      speakers: each((part) => new Set(own(part).map(speakerOf)).size),
    };
  });
}

/** Added to what the bundle is for. */
export const VOICE_PURPOSE =
  'Of a voice, it hears how something is said, not what. It is not for judging callers or employees: see what its figures are about.';

/** What a voice's figures are about. */
const ACTED =
  'This is acted speech: people who were told which emotion to express, in fixed sentences, recorded in quiet rooms. The test speakers were heard by nothing, neither by training nor by the choice of the epoch; but their sentences and studios were, by other speakers. The epoch was chosen on the validation speakers, and temperature and thresholds were fitted on them. Answers are among all seven labels.';
const CALLS =
  'For a call centre this means: people on the telephone do not act, speak freely, and mostly express little, and none of that was measured. Expect fewer right answers than in any row here, and confident wrong ones. A tired, quiet, old, hoarse or foreign voice may count as sad or neutral, a loud one as angry. Do not rate callers or agents by it, and do not act on a single answer.';

export const VOICE_LIMITS: readonly string[] = [
  'Voices are acted, by few people: 24 North American actors, ten German and nine Polish speakers, adults who were young at the time. Of children, old people, dialects, other languages, illness and spontaneous speech nothing was measured. English, German and Polish sentences are few and fixed, so that it may have learned them.',
  'How often a person’s voice contradicts their words or their face is not known from any of these data: a voice counts with the weight in `manifest.json` beside them, an assumption.',
];

/** The heading of the voice's part of the section on data. */
export const VOICE_DATA = '### Voices in the data';

export const voiceDataSection = (data: readonly VoiceData[]): string[] => [
  VOICE_DATA,
  table(
    ['set', 'language', ...PARTS.map((part) => `${part}: clips, speakers`)],
    data.map(({ corpus, language, clips, speakers }) => [
      corpus,
      language,
      ...PARTS.map((part) => `${clips[part]}, ${speakers[part]}`),
    ]),
  ),
  'Whole speakers are in one part only. Calm counts as neutral, boredom does not take part; copies of clips are left out.',
];

const isPlain = ({ as }: VoiceTest): boolean => as === undefined;

/** The voice's part of the section on accuracy; `reference` is of float32 weights. */
export function voiceSection(
  voice: VoiceEvaluation | undefined,
  reference: VoiceEvaluation | undefined,
): string[] {
  if (!voice) return [];
  const { tests, triples } = voice;
  const floatOf = ({ name }: VoiceTest): string => {
    const found = reference?.tests.find((one) => one.name === name);
    return found ? fraction(found.accuracy.mean) : '–';
  };
  const plain = tests.filter(isPlain);
  const worse = plain.filter(({ part }) => part === 'test');
  return [
    '### Voices',
    ACTED,
    table(
      ['speakers', 'set', 'clips', 'accuracy', 'mean recall', 'macro F1', 'calibration error', 'float32'],
      plain.map((test) => [
        `${test.speakers} ${test.part === 'test' ? 'test' : 'of validation'}`,
        test.corpus ?? 'all',
        String(test.n),
        withInterval(test.accuracy),
        fraction(test.meanRecall),
        fraction(test.f1),
        fraction(test.calibrationError),
        floatOf(test),
      ]),
    ),
    'Intervals are over speakers, by Student’s t at 95 %, if there are at least four. Recall by label:',
    table(
      ['speakers, set', ...(plain[0]?.labels ?? [])],
      plain.map(({ part, corpus, perLabel }) => [
        `${part}, ${corpus ?? 'all'}`,
        ...perLabel.map(({ recall, support }) => (support > 0 ? fraction(recall) : '–')),
      ]),
    ),
    ...(worse.length > 0
      ? [
          'The same test clips through a telephone (300 to 3400 Hz, 8 kHz, µ-law) and with white noise at so many dB below the voice; in brackets by float32 weights:',
          table(
            ['set', 'as recorded', ...VOICE_CORRUPTIONS],
            worse.map((test) => [
              test.corpus ?? 'all',
              ...[undefined, ...VOICE_CORRUPTIONS].map((as) => {
                const one = tests.find(
                  (other) => other.part === 'test' && other.corpus === test.corpus && other.as === as,
                );
                return one ? `${fraction(one.accuracy.mean)} (${floatOf(one)})` : '–';
              }),
            ]),
          ),
        ]
      : []),
    CALLS,
    ...tripleSection(triples),
  ];
}

const TRIPLES =
  'These triples are label-matched: each clip of a test speaker is given a test text and a test face of the same label, three times. The pairing looks at the test label to choose both: each accuracy in this table presupposes the label, and is that of views that are independent given it, not accuracy on people in the world. The product of posteriors is the best that any fusion can do with the same evidence; the answer allows for contradictions, which do not occur here, and lets face and voice count in part. Intervals are over speakers.';

function tripleSection(triples: readonly TripleTest[]): string[] {
  const [first] = triples;
  if (!first) return [];
  const sets = triples.filter(({ as }) => as !== 'answer');
  return [
    '### Words, face and voice, from label-matched triples',
    `ISEAR’s test texts, RAF-DB’s test faces and ${first.n} clips of test speakers, among ${first.labels.join(', ')}.`,
    table(
      ['decided by', 'alone, or product of posteriors', 'mean recall', 'answer', 'mean recall of the answer'],
      sets.map((test) => {
        const answer = triples.find(({ by, as }) => as === 'answer' && String(by) === String(test.by));
        return [
          test.by.join(', '),
          withInterval(test.accuracy),
          fraction(test.meanRecall),
          answer ? withInterval(answer.accuracy) : '',
          answer ? fraction(answer.meanRecall) : '',
        ];
      }),
    ),
    TRIPLES,
  ];
}

/** The tests of a voice that are stated label by label. */
export const detailedVoiceTests = ({ tests, triples }: VoiceEvaluation): TestResult[] => [
  ...tests.filter((test) => isPlain(test) && test.part === 'test'),
  ...triples.filter(({ by }) => by.length === 3),
];
