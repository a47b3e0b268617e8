// Writes the items that webgpu.ts measures, tokenised texts of ISEAR and decoded faces of RAF-DB, so that the machine with
// the graphics processor needs neither the data nor an image decoder.
//     node --import tsx bench/webgpu-items.ts ITEMS.safetensors [--texts 192] [--faces 96]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeSafetensorsFile } from 'mien-engine/node';
import { int32, type Tensor } from 'mien-engine';
import { loadIsear } from 'mien-lab';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { decodeImages } from 'mien/parts/encoders';
import { rafdbFiles } from './benchmarks/face.js';
import { folderOf } from './options.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { texts: { type: 'string', default: '192' }, faces: { type: 'string', default: '96' } },
});
const [out] = positionals;
if (out === undefined) throw new Error('name the file to write: ITEMS.safetensors');

const { manifest, files } = await readBundle(join(import.meta.dirname, '../models/lite'));
const bundle = await openBundle(manifest, files);
const { items } = await loadIsear(join(folderOf('MIEN_DATA', 'isear/ and rafdb/'), 'isear'));
const texts = items.slice(0, Number(values.texts)).map(({ text }) => bundle.tokenize(text).ids);
const images = await decodeImages(await rafdbFiles(Number(values.faces)));
await bundle.dispose();

const [{ width, height }] = images as [(typeof images)[0]];
if (images.some((image) => image.width !== width || image.height !== height))
  throw new Error('the faces differ in size');
const most = Math.max(...texts.map((ids) => ids.length));
const ids = new Int32Array(texts.length * most);
texts.forEach((text, i) => ids.set(text, i * most));
const pixels: Tensor = {
  dtype: 'uint8',
  shape: [images.length, height, width, 3],
  data: new Uint8Array(Buffer.concat(images.map(({ data }) => data))),
};
const lengths = int32(
  [texts.length],
  Int32Array.from(texts, (text) => text.length),
);
await writeSafetensorsFile(out, { ids: int32([texts.length, most], ids), lengths, pixels });
