// `mien train`: trains heads, on request also encoders, on a user's table, and exports a bundle.
import { Option, type Command } from 'commander';
import { MienError } from 'mien-engine/base';
import { FUSED_HEADS } from '../options.js';
import type { HeadName } from '../../heads/heads.js';
import { collect, interruption, megapixels, type Output, outputOf, progressOf } from 'mien/cli';
import type { TrainedBundle } from '../../export/own.js';

interface Options {
  readonly data?: string;
  readonly text?: string;
  readonly image?: string;
  readonly label: string;
  readonly group?: string;
  readonly split?: string;
  readonly out: string;
  readonly name: string;
  readonly profile: string;
  readonly weights?: string;
  readonly offline?: boolean;
  readonly learn?: boolean;
  readonly textConfig?: string;
  readonly faceConfig?: string;
  readonly head: HeadName;
  readonly config?: string;
  readonly set: readonly string[];
  readonly skipInvalid?: boolean;
  readonly maxPixels?: number;
}

export function defineTrain(program: Command): void {
  program
    .command('train')
    .description('train on your own data: from a table of texts, images and labels to a bundle')
    .option('--data <file>', 'CSV or JSONL, one item per row')
    .option('--text <column>', 'column of texts')
    .option('--image <column>', 'column of image paths, relative to the table')
    .option('--label <column>', 'column of labels', 'label')
    .option('--group <column>', 'column of groups (writers, persons), whose rows stay in one split')
    .option('--split <column>', 'column with train, validation or test; without it, rows are split at random')
    .requiredOption('--out <dir>', 'folder of bundle/ and, for resuming, work/')
    .option('--name <name>', 'name of the bundle', 'own')
    .option('--profile <name>', 'encoders: frozen, paper, or a profile file', 'frozen')
    .option('--weights <dir>', 'folder with the encoders’ weights, instead of the hub')
    .option('--offline', 'fetch nothing; use only local weights')
    .option('--learn', 'also train the encoders; takes hours for tens of thousands of images')
    .option('--text-config <file>', 'with --learn: settings for training the text encoder')
    .option('--face-config <file>', 'with --learn: settings for training the face encoder')
    .addOption(new Option('--head <name>', 'fusion head').choices(FUSED_HEADS).default('gated'))
    .option('--config <file>', 'settings of the heads, YAML or JSON')
    .option('--set <path=value>', 'one setting of the heads', collect, [])
    .option('--skip-invalid', 'skip unreadable rows and list them')
    .option('--max-pixels <MP>', 'maximum size of an image in megapixels (default: 50)', megapixels)
    .option('--json', 'print the results as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const { data, weights, offline = false, name, head, out, learn, maxPixels } = options;
  if (data === undefined) throw new MienError('usage', 'no data: specify a CSV or JSONL file as --data');
  const [
    { loadConfig },
    { trainBundle },
    { readTable },
    { readableTable },
    { findProfile },
    { faceLearnSettings, textLearnSettings },
  ] = await Promise.all([
    import('../../experiments/config.js'),
    import('../../export/own.js'),
    import('../../data/table.js'),
    import('../../experiments/readable-table.js'),
    import('../../encoders/profiles.js'),
    import('../../learn/settings.js'),
  ]);
  const set = [`profile=${options.profile}`, ...options.set];
  const config = await loadConfig({ file: options.config, set });
  const profile = await findProfile(options.profile);
  const table = await readableTable(await readTable(data, options), profile.text, options);
  for (const { row, reason } of table.skipped) output.message(`skipped row ${row}: ${reason}`);
  const trained = await trainBundle({
    table,
    name,
    profile,
    config,
    head,
    out,
    weights,
    offline,
    maxPixels,
    ...(learn && {
      learn: {
        text: await textLearnSettings.load({ file: options.textConfig }),
        face: await faceLearnSettings.load({ file: options.faceConfig }),
      },
    }),
    progress: await progressOf(output),
    signal: interruption(),
  });
  const rows = trained.rows.map(({ row }) => row);
  const { manifest, counts } = trained;
  output.result({ manifest, counts, rows }, () => render(trained, out));
}

function render({ rows, counts, manifest }: TrainedBundle, out: string): string {
  const lines = rows.map(({ row }) => {
    const { mean, low, high } = row.accuracy;
    const interval = low === null || high === null ? '' : ` [${low.toFixed(3)}, ${high.toFixed(3)}]`;
    return `${row.model.padEnd(14)} accuracy ${mean.toFixed(3)}${interval}  F1 ${row.f1.mean.toFixed(3)}`;
  });
  const total = Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    `${counts.train} rows to train on, ${counts.validation} to select, ${counts.test} to test`,
    ...lines,
    `${out}/bundle: ${(total / 1e6).toFixed(1)} MB`,
  ].join('\n');
}
