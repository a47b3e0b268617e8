// Tables for slurm.sh: texts of ISEAR, repeated until there are enough, and faces of RAF-DB.
//     MIEN_DATA=DIR node --import tsx bench/slurm-items.ts FOLDER TEXTS FACES
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIsear, loadRafdb } from 'mien-lab';
import { folderOf } from './options.js';

const [folder = '', texts = '', faces = ''] = process.argv.slice(2);
const data = folderOf('MIEN_DATA', 'isear and rafdb');
const field = (value: string): string => `"${value.replaceAll('"', '""')}"`;
const table = (column: string, values: readonly string[]): string =>
  [`id,${column}`, ...values.map((value, i) => `${column}-${i},${field(value)}`), ''].join('\n');

const isear = (await loadIsear(join(data, 'isear'))).items;
const rafdb = (await loadRafdb(join(data, 'rafdb'))).items;
if (rafdb.length < Number(faces)) throw new Error(`RAF-DB has only ${rafdb.length} faces`);
await mkdir(folder, { recursive: true });
await writeFile(
  join(folder, 'texts.csv'),
  table(
    'text',
    Array.from({ length: Number(texts) }, (_, i) => isear[i % isear.length]!.text),
  ),
);
await writeFile(
  join(folder, 'faces.csv'),
  table(
    'image',
    rafdb.slice(0, Number(faces)).map(({ file }) => file),
  ),
);
