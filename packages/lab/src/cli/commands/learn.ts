// `mien learn`: trains an encoder on the data sets, with checkpoints for resuming.
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { collect, interruption, type Output, outputOf, progressOf, positiveInteger } from 'mien/cli';
import { featureFolder, shareOf } from '../options.js';
import type { Split } from 'mien/parts/data';
import type { Estimate } from '../../learn/learn-encoder.js';
import type { LearnedRecord } from '../../learn/learned.js';

interface Options {
  readonly data?: string;
  readonly out: string;
  readonly features?: string;
  readonly profile?: string;
  readonly weights?: string;
  readonly offline?: boolean;
  readonly split?: 'clean' | 'paper';
  readonly config?: string;
  readonly set: readonly string[];
  readonly teacher?: readonly string[];
  readonly teacherShare?: number;
  readonly also?: string;
  readonly text?: string;
  readonly label?: string;
  readonly threads?: number;
  readonly shared?: boolean;
  readonly dryRun?: boolean;
  readonly skipInvalid?: boolean;
  readonly votes?: string;
}

const KINDS = {
  text: { sets: 'isear', about: 'train a text encoder on ISEAR' },
  face: { sets: 'fer2013 and rafdb', about: 'train a face encoder on FER2013 and RAF-DB' },
  voice: { sets: 'corpora of acted speech', about: 'train a voice encoder on acted speech' },
} as const;
type Kind = keyof typeof KINDS;

export function defineLearn(program: Command): void {
  const learn = program
    .command('learn')
    .description('train an encoder on the data sets; resumes an interrupted run');
  for (const [kind, { sets, about }] of Object.entries(KINDS)) {
    const command = learn
      .command(kind)
      .description(about)
      .option('--data <dir>', `folder with ${sets}`)
      .requiredOption(
        '--out <dir>',
        'folder of checkpoints and log and, at the end, encoder/ and learned.json',
      )
      .option('--weights <dir>', 'folder with the encoders’ weights, instead of the hub')
      .option('--offline', 'fetch nothing; use only local weights')
      .option('--config <file>', 'settings, YAML or JSON')
      .option('--set <path=value>', 'one setting, such as optimizer.learningRate=1e-3', collect, [])
      .option('--threads <n>', 'number of threads (default: all cores)', positiveInteger)
      .option('--shared', 'share the machine with other work: threads sleep while they wait')
      .option('--dry-run', 'estimate time and memory from a few steps')
      .option('--skip-invalid', 'skip unreadable items and list them')
      .option('--json', 'print the result as JSON')
      .action((options: Options, command: Command) => run(kind as Kind, options, outputOf(command)));
    if (kind !== 'voice')
      command
        .option(
          '--profile <name>',
          'profile of the initial encoder: frozen, paper, or a profile file',
          'frozen',
        )
        .option('--features <dir>', 'folder of the hashes of faces', featureFolder())
        .addOption(
          new Option('--split <kind>', 'the split trained on').choices(['clean', 'paper']).default('clean'),
        )
        .option(
          '--teacher <dir>',
          'a finished run whose posteriors are a part of the targets; may be given several times',
          collect,
          [],
        )
        .option('--teacher-share <share>', 'that part', shareOf, 0.5);
    if (kind === 'text')
      command
        .option('--also <table>', 'your own texts as a further corpus, CSV or JSONL')
        .option('--text <column>', 'its column of texts', 'text')
        .option('--label <column>', 'its column of labels', 'label');
    if (kind === 'face')
      command.option(
        '--votes <file>',
        'FER+ votes for FER2013: ferplus.csv or fer2013new.csv (default: the one beside the data)',
      );
  }
  learn
    .command('average')
    .description('average the weights of several trainings into one encoder')
    .argument('<dirs...>', 'finished runs with the same initial weights')
    .requiredOption('--out <dir>', 'folder of encoder/ and learned.json of the mean')
    .option('--size <pixels>', 'side of its input faces (default: the last run’s)', positiveInteger)
    .option('--json', 'print the record as JSON')
    .action((folders: string[], options: { out: string; size?: number }, command: Command) =>
      average(folders, options, outputOf(command)),
    );
  learn
    .command('restore')
    .description(
      'write a bundle’s encoders as finished runs: to train them further, or to compare heads on them',
    )
    .argument('[bundle]', 'folder of the bundle (default: the one that mien comes with)')
    .requiredOption('--out <dir>', 'gets text/ and face/, each with encoder/ and learned.json')
    .option('--json', 'print the records as JSON')
    .action((bundle: string | undefined, options: { out: string }, command: Command) =>
      restore(bundle, options.out, outputOf(command)),
    );
}

async function restore(bundle: string | undefined, out: string, output: Output): Promise<void> {
  const [{ restoreLearned }, { bundledModel }] = await Promise.all([
    import('../../export/restore.js'),
    import('mien/cli'),
  ]);
  const restored = await restoreLearned({ bundle: bundle ?? bundledModel(), out });
  output.result(restored, () =>
    Object.keys(restored)
      .map((kind) => `${out}/${kind}/encoder`)
      .join('\n'),
  );
}

async function average(
  folders: readonly string[],
  { out, size }: { readonly out: string; readonly size?: number },
  output: Output,
): Promise<void> {
  const { averageLearned } = await import('../../learn/average.js');
  const made = await averageLearned({ folders, out, size });
  output.result(made, () => `the mean of ${folders.length} trainings\n${out}/encoder`);
}

async function run(kind: Kind, options: Options, output: Output): Promise<void> {
  const {
    data,
    features: dir = featureFolder(),
    split = 'clean',
    skipInvalid = false,
    weights,
    offline = false,
    out,
  } = options;
  if (data === undefined)
    throw new MienError('usage', `no data: specify the folder with ${KINDS[kind].sets} as --data`);
  const [{ faceLearnSettings, textLearnSettings, voiceLearnSettings }, { openProtocol }, { findProfile }] =
    await Promise.all([
      import('../../learn/settings.js'),
      import('../../features/prepared.js'),
      import('../../encoders/profiles.js'),
    ]);
  const sources = { file: options.config, set: options.set };
  const progress = await progressOf(output);
  const signal = interruption();
  const paths = options.votes === undefined ? {} : { votes: options.votes };
  const prepare = async () =>
    (await openProtocol({ data, paths, dir, split, skipInvalid, progress })).protocol;
  const common = {
    out,
    offline,
    weights,
    progress,
    signal,
    threads: options.threads,
    spinning: options.shared !== true,
  };
  const encoders = () => findProfile(options.profile ?? 'frozen');
  const taught = options.teacher?.length
    ? { teachers: { folders: options.teacher, share: options.teacherShare ?? 0.5 } }
    : {};
  const faces = async (): Promise<LearnedRecord | Estimate> => {
    const settings = await faceLearnSettings.load(sources);
    const { estimateFace, learnFace } = await import('../../learn/learn-face.js');
    const { faces: all } = await prepare();
    const of = (wanted: Split) =>
      all
        .filter(({ split: place }) => place === wanted)
        .map(({ item, label, sha256 }) => {
          const { image, dataset, votes } = item;
          return { image, dataset, label, sha256, ...defined({ votes }) };
        });
    const { FACE_LABELS } = await import('mien/parts/data');
    const items = { labels: FACE_LABELS, training: of('train'), validation: of('validation') };
    const { face: encoder } = await encoders();
    const given = { ...common, ...taught, ...items, encoder, settings };
    return options.dryRun ? estimateFace(given) : learnFace(given);
  };
  const texts = async (): Promise<LearnedRecord | Estimate> => {
    const settings = await textLearnSettings.load(sources);
    const [{ estimateText, learnText }, { textItems }] = await Promise.all([
      import('../../learn/learn-text.js'),
      import('../../learn/text-corpora.js'),
    ]);
    const { also, text, label } = options;
    const table = also === undefined ? undefined : { file: also, text, label };
    const items = await textItems({ data, split, settings, skipInvalid, also: table });
    const { text: encoder } = await encoders();
    const given = { ...common, ...taught, ...items, encoder, settings };
    return options.dryRun ? estimateText(given) : learnText(given);
  };
  const voices = async (): Promise<LearnedRecord | Estimate> => {
    const settings = await voiceLearnSettings.load(sources);
    const [
      { estimateVoice, learnVoice },
      { loadAllSpeech },
      { divideClips },
      { whisperTiny },
      { FACE_LABELS },
    ] = await Promise.all([
      import('../../learn/learn-voice.js'),
      import('../../data/speech.js'),
      import('../../learn/voice-clips.js'),
      import('../../encoders/load-voice.js'),
      import('mien/parts/data'),
    ]);
    const corpora = await loadAllSpeech(data, { skipInvalid });
    const { training, validation } = divideClips(
      corpora.flatMap(({ items }) => items),
      settings,
    );
    const given = { ...common, labels: FACE_LABELS, training, validation, encoder: whisperTiny, settings };
    return options.dryRun ? estimateVoice(given) : learnVoice(given);
  };
  const made = await { face: faces, text: texts, voice: voices }[kind]();
  if ('steps' in made) output.result(made, () => renderEstimate(made));
  else output.result(made, () => render(made, out));
}

function renderEstimate({ steps, seconds, bytes, shapes }: Estimate): string {
  const minutes = Math.round(seconds / 60);
  const time = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  const each = Object.entries(shapes).map(([shape, ms]) => `${shape}: ${ms.toFixed(0)} ms`);
  return `${steps} steps, about ${time} h and ${(bytes / 1e9).toFixed(1)} GB (a step of size ${each.join(', ')})`;
}

function render({ bestEpoch, epochs, items }: LearnedRecord, out: string): string {
  const best = epochs[bestEpoch - 1];
  if (best === undefined)
    return (
      `trained on ${items.training} items; of ${epochs.length} epochs none was better on ${items.validation} for ` +
      `validation than the weights before training, which are kept\n${out}/encoder`
    );
  const details = Object.entries(best.details).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  return (
    `trained on ${items.training} items, epoch ${bestEpoch} of ${epochs.length} is best: ` +
    `${best.score.toFixed(4)} on ${items.validation} for validation (${details.join(', ')})\n${out}/encoder`
  );
}
