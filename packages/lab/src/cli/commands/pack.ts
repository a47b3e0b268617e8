// `mien pack`: reduces and quantises features into one small file that can be distributed.
import type { Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { type Output, outputOf, progressOf, positiveInteger } from 'mien/cli';
import type { PackResult } from '../../features/pack.js';

interface Options {
  readonly out: string;
  readonly textComponents?: number;
  readonly textBits?: number;
  readonly faceComponents?: number;
  readonly faceBits?: number;
  readonly voiceComponents?: number;
  readonly voiceBits?: number;
  readonly maxBytes?: number;
  readonly cost?: string;
}

export function definePack(program: Command): void {
  program
    .command('pack')
    .description('reduce features to a few megabytes, without texts, images and file names')
    .argument('[store]', 'folder filled by `mien extract`; without it, only --cost is written')
    .requiredOption('--out <file>', 'the pack, *.safetensors; its manifest is written beside it')
    .option('--text-components <n>', 'principal components of texts', positiveInteger)
    .option('--text-bits <n>', 'bits per text, one to eight per component', positiveInteger)
    .option('--face-components <n>', 'principal components of faces', positiveInteger)
    .option('--face-bits <n>', 'bits per face, one to eight per component', positiveInteger)
    .option('--voice-components <n>', 'principal components of recordings', positiveInteger)
    .option('--voice-bits <n>', 'bits per recording, one to eight per component', positiveInteger)
    .option('--max-bytes <n>', 'reject a larger pack (default: 10000000)', positiveInteger)
    .option('--cost <file>', 'JSON that states the loss of the pack against the full features')
    .option('--json', 'print the result as JSON')
    .action((store: string | undefined, options: Options, command: Command) =>
      run(store, options, outputOf(command)),
    );
}

async function run(store: string | undefined, options: Options, output: Output): Promise<void> {
  const { readJson } = await import('mien-engine/node');
  const cost = options.cost === undefined ? undefined : await readJson(options.cost);
  if (!options.out.endsWith('.safetensors'))
    throw new MienError(
      'usage',
      `a pack is a safetensors file; "${options.out}" does not have this extension`,
    );
  if (store === undefined) {
    if (cost === undefined)
      throw new MienError('usage', 'there is nothing to do without a store', {
        hint: 'Use mien pack STORE --out FILE, or --cost FILE to state the cost of an existing pack.',
      });
    const { setPackCost } = await import('../../features/pack-file.js');
    await setPackCost(options.out, cost);
    output.result({ file: options.out, cost }, () => `${options.out}: cost written`);
    return;
  }
  const [{ openSets }, { writePack }] = await Promise.all([
    import('../../features/extract.js'),
    import('../../features/pack.js'),
  ]);
  const progress = await progressOf(output);
  const result = await writePack(options.out, await openSets(store), {
    texts: defined({ components: options.textComponents, bits: options.textBits }),
    faces: defined({ components: options.faceComponents, bits: options.faceBits }),
    voices: defined({ components: options.voiceComponents, bits: options.voiceBits }),
    ...defined({ maxBytes: options.maxBytes, cost }),
    progress,
  });
  output.result(result, () => render(result));
}

function render({ file, bytes, sets }: PackResult): string {
  const lines = Object.entries(sets).map(([name, { items, fullWidth, reduction }]) => {
    const { components, bits, lost } = reduction;
    const loss = `${(100 * lost).toFixed(1)} % of the variance lost`;
    return `${name}: ${items} items, ${fullWidth} dimensions → ${components} components in ${bits} bits, ${loss}`;
  });
  return [...lines, `${file}: ${(bytes / 1e6).toFixed(2)} MB with its manifest`].join('\n');
}
