// How well trained voice encoders tell emotions apart in speakers whom neither training nor the choice of the epoch has heard:
// folds of RAVDESS's actors, each corpus by a training on the others, and finished trainings on whom they held out. Trainings
// resume, and finished ones are only evaluated.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  corruptVoice,
  divideClips,
  learnVoice,
  loadAllSpeech,
  readClips,
  readLearnedVoice,
  seedInterval,
  speakerFolds,
  type SpeechItem,
  VOICE_CORRUPTIONS,
  voiceLearnSettings,
  voiceLogits,
  whisperTiny,
} from 'mien-lab';
import { FACE_LABELS } from 'mien/parts/data';
import { readArguments } from './options.js';

const {
  values,
  first: data,
  others: finished,
} = readArguments(
  'voice-trained.ts',
  'SPEECH [RUN …] [--corrupted] [--out DIR --weights DIR --config FILE --set path=value --fold 1 --without emodb]',
  {
    weights: { type: 'string' },
    config: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    /** Folder of the trainings. */
    out: { type: 'string' },
    /** Which of the six folds, from 1. */
    fold: { type: 'string', multiple: true, default: [] },
    /** Corpora that a training on the others is tested on. */
    without: { type: 'string', multiple: true, default: [] },
    /** Also through a telephone, and with noise at 20, 10 and 0 dB. */
    corrupted: { type: 'boolean', default: false },
  },
);

const FOLDS = 6;
const items = (await loadAllSpeech(data)).flatMap((corpus) => corpus.items);
const corpora = [...new Set(items.map(({ corpus }) => corpus))];

/** What is asked of a clip, and what came of it. */
interface Answer {
  readonly item: SpeechItem;
  readonly predicted: string;
}

/** Trains with these settings unless the folder has a finished training. */
async function trained(
  name: string,
  hold: readonly string[],
  validation?: readonly string[],
): Promise<string> {
  const out = join(values.out ?? 'runs', name);
  if (existsSync(join(out, 'learned.json'))) return out;
  const settings = await voiceLearnSettings.load({
    file: values.config,
    set: [
      ...values.set,
      `hold=${JSON.stringify(hold)}`,
      ...(validation ? [`validation=${JSON.stringify(validation)}`] : []),
    ],
  });
  const { training, validation: chosen } = divideClips(items, settings);
  await learnVoice({
    labels: FACE_LABELS,
    training,
    validation: chosen,
    encoder: whisperTiny,
    weights: values.weights,
    settings,
    out,
    threads: 1,
    spinning: false,
  });
  return out;
}

type VoiceCorruption = (typeof VOICE_CORRUPTIONS)[number];

/** Answers of a finished training to the clips that it held out, or to its validation clips, as they are or made worse. */
async function answers(
  folder: string,
  part: 'held' | 'validation',
  kind?: VoiceCorruption,
): Promise<Answer[]> {
  const { config, labels, weights, record } = await readLearnedVoice(folder);
  const clips = divideClips(items, voiceLearnSettings.parse(record.settings))[part];
  const read = await readClips(clips);
  const sounds = kind ? read.map((clip, i) => corruptVoice(clip, kind, i)) : read;
  const logits = await voiceLogits({ config, classes: labels.length }, weights, sounds, 1);
  return clips.map((item, i) => {
    const row = logits.subarray(i * labels.length, (i + 1) * labels.length);
    return { item, predicted: labels[row.indexOf(Math.max(...row))]! };
  });
}

const share = (some: readonly Answer[]): number =>
  some.filter(({ item, predicted }) => item.label === predicted).length / some.length;

/** Accuracy with its interval over speakers (Student's t), mean recall over the labels that there are, recall by label. */
function report(name: string, all: readonly Answer[]): void {
  for (const corpus of corpora) {
    const some = all.filter(({ item }) => item.corpus === corpus);
    if (some.length === 0) continue;
    const speakers = [...new Set(some.map(({ item }) => item.speaker))];
    const each = speakers.map((one) => share(some.filter(({ item }) => item.speaker === one)));
    // Of two or three speakers, the interval would say nothing.
    const { low, high } = each.length < 4 ? { low: null, high: null } : seedInterval(each);
    const recalls = FACE_LABELS.flatMap((label) => {
      const own = some.filter(({ item }) => item.label === label);
      return own.length > 0 ? [[label, share(own)] as const] : [];
    });
    const recall = recalls.reduce((sum, [, value]) => sum + value, 0) / recalls.length;
    const between =
      low === null ? '' : ` (${low.toFixed(3)} to ${high!.toFixed(3)} over ${each.length} speakers)`;
    console.log(
      `${name}, ${corpus}, ${some.length} clips: accuracy ${share(some).toFixed(3)}${between}, mean recall ` +
        `${recall.toFixed(3)}; ${recalls.map(([label, value]) => `${label} ${value.toFixed(2)}`).join(', ')}`,
    );
  }
}

async function reportHeld(name: string, folders: readonly string[]): Promise<void> {
  const over = async (kind?: VoiceCorruption): Promise<Answer[]> =>
    (await Promise.all(folders.map((folder) => answers(folder, 'held', kind)))).flat();
  report(name, await over());
  if (!values.corrupted) return;
  for (const kind of VOICE_CORRUPTIONS) report(`${name}, ${kind}`, await over(kind));
}

for (const folder of finished) {
  report(`${folder}, validation`, await answers(folder, 'validation'));
  await reportHeld(`${folder}, held out`, [folder]);
}

const actors = items.filter(({ corpus }) => corpus === 'ravdess');
const folds = values.fold.length > 0 ? speakerFolds(actors, FOLDS) : [];
const nameOf = ({ corpus, speaker }: SpeechItem): string => `${corpus}/${speaker}`;
const others = corpora.filter((corpus) => corpus !== 'ravdess');
const runs: string[] = [];
for (const fold of values.fold.map((one) => Number(one) - 1)) {
  const of = (wanted: number): string[] => [
    ...new Set(actors.filter((_, i) => folds[i] === wanted).map(nameOf)),
  ];
  // The epoch is selected on two of the next fold's actors, a man and a woman.
  const validation = of((fold + 1) % FOLDS).slice(0, 2);
  runs.push(await trained(`fold-${fold + 1}`, [...of(fold), ...others], validation));
  await reportHeld(`fold ${fold + 1}`, runs.slice(-1));
}
if (runs.length > 1) await reportHeld(`folds ${values.fold.join(', ')}`, runs);
for (const corpus of values.without)
  await reportHeld(`without ${corpus}`, [await trained(`without-${corpus}`, [corpus])]);
