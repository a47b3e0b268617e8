// Where the items of `mien predict` come from: options, a folder of images, tables or standard input.
import { fstatSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { defined, MienError } from 'mien-engine/base';
import type { ItemOptions, NamedItem } from '../recognizer/node/items.js';
import type { TableFile } from '../recognizer/node/tables.js';
import type { Output } from './output.js';
import { isLarge } from './processes.js';

export interface SourceOptions {
  readonly text?: string;
  readonly image?: string;
  readonly audio?: string;
  readonly input?: string;
  readonly textColumn?: string;
  readonly imageColumn?: string;
  readonly audioColumn?: string;
  readonly idColumn?: string;
}

export interface PredictSource {
  readonly items: AsyncIterable<NamedItem> | Iterable<NamedItem>;
  /** Whether there are probably so many items that they are worth several processes. */
  readonly isMany: boolean;
  /** Identifies these items, for resuming; undefined for standard input. */
  readonly fingerprint: string | undefined;
  /** The tables that the items are of, and how they are read. */
  readonly tables?: readonly TableFile[];
  readonly reading?: ItemOptions;
}

/** @throws MienError `usage` for options that contradict each other or name nothing, `file` for unreadable tables */
export async function predictSource(options: SourceOptions, warn: Output['warn']): Promise<PredictSource> {
  const { text, image, audio, input } = options;
  if (input !== undefined && (text !== undefined || image !== undefined || audio !== undefined))
    throw new MienError('usage', '--input cannot be combined with --text, --image or --audio', {
      hint: 'Select columns of the table with --text-column, --image-column and --audio-column.',
    });
  const { itemsOfFolder, itemsOfLines } = await import('../recognizer/node/items.js');
  const reading = {
    columns: {
      text: options.textColumn,
      image: options.imageColumn,
      audio: options.audioColumn,
      id: options.idColumn,
    },
    warn,
  };
  if (input === '-') {
    // Node would read a folder as empty input.
    if (fstatSync(0).isDirectory()) throw new MienError('file', 'standard input is a folder');
    return { items: itemsOfLines(process.stdin, reading), isMany: false, fingerprint: undefined };
  }
  if (input !== undefined) {
    const { itemsOfTables, tableFiles } = await import('../recognizer/node/tables.js');
    const tables = await tableFiles(input);
    const fingerprint = tables.map(({ path, bytes, modified }) => `${path} ${bytes} ${modified}`).join('\n');
    const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
    return { items: itemsOfTables(tables, reading), isMany: isLarge(bytes), fingerprint, tables, reading };
  }
  // A missing image, or a value that is not a path, becomes the item's error.
  const folder = image === undefined ? undefined : await stat(image).catch(() => undefined);
  if (image !== undefined && folder?.isDirectory()) {
    if (text !== undefined || audio !== undefined)
      throw new MienError('usage', '--text and --audio cannot be combined with a folder of images');
    return {
      items: itemsOfFolder(image),
      isMany: true,
      fingerprint: `${image} ${folder.size} ${folder.mtimeMs}`,
    };
  }
  if (text === undefined && image === undefined && audio === undefined)
    throw new MienError('usage', 'nothing to recognise', {
      hint: 'Use --text TEXT, --image FILE, --audio FILE, several of them, or --input FILE.',
    });
  return {
    items: [{ id: image ?? audio ?? 'text', ...defined({ text, image, audio }) }],
    isMany: false,
    fingerprint: JSON.stringify([text, image, ...(audio === undefined ? [] : [audio])]),
  };
}
