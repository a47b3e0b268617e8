// `mien reproduce`: the paper's experiment on data, on feature stores, or on the bundled feature pack.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { inPackage } from '../../base/package.js';
import { collect, interruption, type Output, outputOf, progressOf, positiveInteger } from 'mien/cli';
import { checkProfile, encodersOf } from '../encoders.js';
import { featureFolder, resultFolder } from '../options.js';
import type { Beside } from '../../experiments/beside.js';
import type { Config } from '../../experiments/config.js';
import type { FeatureSource } from '../../experiments/features.js';
import type { Reproduction } from '../../experiments/reproduce.js';
import type { Progress } from 'mien/parts/base';

interface Options {
  readonly data?: string;
  readonly features?: string;
  readonly pack?: string;
  readonly voices?: string;
  readonly beside: readonly string[];
  readonly profile?: string;
  readonly weights?: string;
  readonly split?: 'clean' | 'paper';
  readonly seeds?: string;
  readonly heads: readonly string[];
  readonly config?: string;
  readonly set: readonly string[];
  readonly out?: string;
  readonly workers?: number;
  readonly offline?: boolean;
  readonly skipInvalid?: boolean;
}

/** A pack in this package's repository. */
const bundled = (profile: string): string => inPackage(`models/${profile}/features.safetensors`);

/** A pack with the voices beside it in its folder, `voices.safetensors`, if there are any. */
function packWithVoices(pack: string): FeatureSource {
  const voices = join(dirname(pack), 'voices.safetensors');
  return { pack, ...(voices !== pack && existsSync(voices) ? { voices } : {}) };
}

export function defineReproduce(program: Command): void {
  program
    .command('reproduce')
    .description('run the paper’s experiment and print its tables beside the paper’s figures')
    .option(
      '--data <dir>',
      'folder with isear, fer2013 and rafdb; without it, the bundled feature pack is used',
    )
    .option('--profile <name>', 'encoders: frozen, paper, a profile file, or the folder of a bundle')
    .option('--weights <dir>', 'folder with the encoders’ weights, instead of the hub')
    .option('--offline', 'fetch nothing; use only local weights')
    .option(
      '--features <dir>',
      'where features are kept (default: a cache folder), or, without --data, features to use',
    )
    .option('--pack <file>', 'a feature pack to use instead of the bundled ones')
    .option(
      '--voices <file>',
      'a pack of recordings, for triples with a voice (default: voices.safetensors beside the pack)',
    )
    .option(
      '--beside <path>',
      'a feature pack or folder of features whose rows stand beside; may be given several times',
      collect,
      [],
    )
    .addOption(
      new Option(
        '--split <kind>',
        'clean: disjoint subjects and duplicates; paper: plain random 80/20',
      ).choices(['clean', 'paper']),
    )
    .option('--seeds <n>', 'number of model seeds')
    .option(
      '--heads <name>',
      'a further head in the ablation (tensor, low-rank); may be given several times',
      collect,
      [],
    )
    .option('--config <file>', 'settings, as configs/paper.yaml states them')
    .option('--set <path=value>', 'one setting; may be repeated', collect, [])
    .option(
      '--out <dir>',
      'write results.json, tables, predictions and more there, and resume what is there (default: a cache folder ' +
        'that keeps the last results, not the runs)',
    )
    .option('--workers <n>', 'training processes (default: one per core)', positiveInteger)
    .option('--skip-invalid', 'skip unreadable rows and images and list them')
    .option('--json', 'print the results as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const started = performance.now();
  const [{ loadConfig }, { reproduce }, { putBeside }, { renderTables }, { toResults }, { writeReport }] =
    await Promise.all([
      import('../../experiments/config.js'),
      import('../../experiments/reproduce.js'),
      import('../../experiments/beside.js'),
      import('../../report/tables.js'),
      import('../../report/results.js'),
      import('../../report/files.js'),
    ]);
  const config = await loadConfig({ file: options.config, set: settings(options) });
  const progress = await progressOf(output);
  const signal = interruption();
  const source = {
    ...(await featureSource(options, config, output, progress, signal)),
    ...defined({ voices: options.voices }),
  };
  const { costRows } = await import('../../experiments/costs.js');
  const costs = await costRows(config, progress);
  const common = {
    costs,
    progress,
    signal,
    ...defined({ folder: options.out, workers: options.workers }),
  };
  const first = await reproduce({ ...common, source, config: named(config, options) });
  const others: Beside[] = [];
  for (const { name, source: other } of besides(options)) {
    const reproduced = await reproduce({ ...common, source: other, config: { ...config, profile: name } });
    others.push({ name, ...reproduced });
  }
  const { results: experiment, predictions } = putBeside(first, others);
  const results =
    options.out === undefined
      ? toResults(experiment)
      : await writeReport(options.out, experiment, predictions);
  output.result(results, () => renderTables(results, { width: output.width, strong: output.colors.bold }));
  if (options.out === undefined) await keep({ results: experiment, predictions }, output);
  output.message(`Done in ${((performance.now() - started) / 1000).toFixed(0)} s.`);
}

/** Rows of a specified pack are named after it. */
const named = (config: Config, { pack }: Options): Config =>
  pack === undefined ? config : { ...config, profile: nameOfFeatures(pack) };

/** Stores results if no folder was specified; a failure does not affect what was printed. */
async function keep({ results, predictions }: Reproduction, output: Output): Promise<void> {
  const { replaceReport } = await import('../../report/files.js');
  const folder = resultFolder();
  try {
    await replaceReport(folder, results, predictions);
    output.message(`Kept in ${folder} until the next time. A page with figures: mien report`);
  } catch (error) {
    if (!(error instanceof MienError)) throw error;
    output.warn(`the results could not be kept for \`mien report\`: ${error.message}`);
  }
}

/** Features in addition to the frozen ones: the specified ones, or by default those of the learned encoders. */
function besides(options: Options): { name: string; source: FeatureSource }[] {
  const { data, features, pack, profile, beside } = options;
  const learned = bundled('learned');
  const plain = [data, features, pack, profile].every((option) => option === undefined);
  return [
    ...(plain && existsSync(learned) ? [{ name: 'learned', source: packWithVoices(learned) }] : []),
    ...beside.map((path) => ({
      name: nameOfFeatures(path),
      source: path.endsWith('.safetensors') ? packWithVoices(path) : { stores: path },
    })),
  ];
}

/** Name of rows of other features: the file or folder; for a pack with the usual name, its folder. */
const nameOfFeatures = (path: string): string => {
  const name = basename(path).replace(/\.\w+$/, '');
  return name === 'features' ? basename(dirname(resolve(path))) : name;
};

/** Options that correspond to settings, then `--set`. */
const settings = ({ profile, split, seeds, heads, set }: Options): string[] => [
  ...(profile === undefined ? [] : [`profile=${profile}`]),
  ...(split === undefined ? [] : [`split=${split}`]),
  ...(seeds === undefined ? [] : [`seeds=${seeds}`]),
  ...(heads.length === 0 ? [] : [`furtherHeads=[${heads.join(', ')}]`]),
  ...set,
];

async function featureSource(
  options: Options,
  config: Config,
  output: Output,
  progress: Progress,
  signal: AbortSignal,
): Promise<FeatureSource> {
  const { data, features, pack } = options;
  if (data !== undefined) return extract({ ...options, data }, config, output, progress, signal);
  if (features !== undefined) return { stores: features };
  const file = pack ?? bundled('frozen');
  if (!existsSync(file))
    throw new MienError(
      'file',
      pack === undefined ? 'the bundled feature pack is not here' : 'there is no such file',
      {
        file,
        hint: 'Use your own data: mien reproduce --data DIR',
      },
    );
  if (config.split === 'paper' || config.profile !== 'frozen')
    throw new MienError('usage', 'the feature pack contains only the clean split and the frozen profile', {
      hint: 'Other splits and encoders need the data: mien reproduce --data DIR',
    });
  return packWithVoices(file);
}

/** Extracts missing features. */
async function extract(
  options: Options & { readonly data: string },
  config: Config,
  output: Output,
  progress: Progress,
  signal: AbortSignal,
): Promise<FeatureSource> {
  const [{ extractFeatures }, { openProtocol }] = await Promise.all([
    import('../../features/extract.js'),
    import('../../features/prepared.js'),
  ]);
  const { data, weights, offline, skipInvalid = false } = options;
  const dir = options.features ?? featureFolder();
  const { split, seed } = config;
  await checkProfile(config.profile);
  const validationFraction = config.validation.fraction;
  const { protocol } = await openProtocol({
    data,
    dir,
    split,
    seed,
    validationFraction,
    skipInvalid,
    progress,
  });
  for (const warning of protocol.warnings) output.warn(warning);
  for (const { file, row, reason } of protocol.skipped)
    output.message(`skipped ${file}${row === undefined ? '' : `, row ${row}`}: ${reason}`);
  const encoders = await encodersOf({ profile: config.profile, weights, offline }, protocol);
  try {
    await extractFeatures({ protocol, encoders, dir, progress, signal });
  } finally {
    await encoders.text?.dispose();
    await encoders.face?.dispose();
  }
  return { stores: dir };
}
