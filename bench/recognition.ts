// What a text beside a face changes (plain sentences, texts of an emotion), and what it costs to find faces in photographs.
// Not a timing.
//     MIEN_DATA=DIR node --import tsx bench/recognition.ts [BUNDLE] [--split validation|test] [--faces 2000]
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { randomStream } from 'mien-engine/base';
import { silentProgress } from 'mien/parts/base';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { type ProtocolFace, type ProtocolText, SHARED_LABELS, type Split } from 'mien/parts/data';
import type { DecodedImage } from 'mien/parts/encoders';
import { answerItems, faceFinder, type Recognition } from 'mien/parts/recognizer';
import { decodeFaces, openProtocol } from 'mien-lab';

/** Sentences that tell of no emotion: nothing in them speaks for any label. */
const PLAIN = [
  'The train to the city leaves every hour.',
  'I bought bread, milk and some apples.',
  'The meeting is in the room on the second floor.',
  'My brother works in an office near the station.',
  'We usually have dinner at seven.',
  'The book is on the table next to the lamp.',
  'It will probably rain in the afternoon.',
  'I took the bus because the car is being repaired.',
  'The shop opens at nine and closes at six.',
  'She lives on the third floor of that building.',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { split: { type: 'string', default: 'test' }, faces: { type: 'string', default: '2000' } },
});
const data = process.env['MIEN_DATA'];
if (data === undefined) throw new Error('MIEN_DATA must name the folder with isear, fer2013 and rafdb.');
const split = values.split as Split;
const root = join(import.meta.dirname, '..');
const { manifest, files } = await readBundle(positionals[0] ?? join(root, 'models/lite'));
const bundle = await openBundle(manifest, files, { spinning: false });
const dir = await mkdtemp(join(tmpdir(), 'mien-recognition-'));
const { protocol } = await openProtocol({
  data,
  dir: process.env['MIEN_FEATURES'] ?? dir,
  split: 'clean',
  skipInvalid: false,
  progress: silentProgress,
});
await rm(dir, { recursive: true, force: true });
const draw = randomStream(0, 'recognition');
const most = Number(values.faces);

const shared: readonly string[] = SHARED_LABELS;
const texts = protocol.texts.filter((one) => one.split === split && shared.includes(one.label));
const facesOf = (dataset: string): ProtocolFace[] => {
  const all = protocol.faces.filter(({ item, split: place }) => place === split && item.dataset === dataset);
  const order = draw.permutation(all.length).slice(0, most);
  return Array.from(order, (i) => all[i]!);
};

const read = await bundle.texts([...texts.map(({ text }) => text), ...PLAIN]);
const textRowsOf = new Map(
  shared.map((label) => [label, texts.flatMap((one: ProtocolText, i) => (one.label === label ? [i] : []))]),
);
const any = <T>(of: readonly T[]): T => of[draw.integer(of.length)]!;
const percent = (hits: number, n: number): string => (n === 0 ? '–' : (hits / n).toFixed(3));

for (const dataset of ['rafdb', 'fer2013'] as const) {
  const faces = facesOf(dataset);
  const images = await decodeFaces(faces.map(({ item }) => item));
  const seen = await bundle.faces(images);
  /** The answer to a face with a text's row, or alone. */
  const answers = async (rows: readonly (number | undefined)[]): Promise<Recognition[]> => {
    const items = rows.map((row, i) => ({
      prepared: {
        units: {
          ...(row === undefined ? {} : { text: [{ ids: new Int32Array(), read: 1 }] }),
          face: [{ image: images[i]!, place: null }],
        },
        warnings: [],
      },
      rows: { text: row, face: i },
    }));
    return (await answerItems(bundle, items, { text: read, face: seen })) as Recognition[];
  };
  const isShared = faces.map(({ label }) => shared.includes(label));
  const accuracy = (
    found: readonly Recognition[],
    of: (i: number) => boolean,
    truth: (i: number) => string,
  ): string => {
    const members = faces.flatMap((_, i) => (of(i) ? [i] : []));
    return percent(members.filter((i) => found[i]!.label === truth(i)).length, members.length);
  };
  const own = (i: number): string => faces[i]!.label;
  const alone = await answers(faces.map(() => undefined));
  const matched = faces.map(({ label }) =>
    shared.includes(label) ? any(textRowsOf.get(label)!) : undefined,
  );
  const plain = faces.map(() => texts.length + draw.integer(PLAIN.length));
  const contrary = faces.map(() => draw.integer(texts.length));
  const [withMatched, withPlain, withAny] = [
    await answers(matched),
    await answers(plain),
    await answers(contrary),
  ];
  console.log(`\n${dataset}, ${split}, ${faces.length} faces`);
  console.log(`  face alone, seven labels: ${accuracy(alone, () => true, own)}`);
  console.log(
    `  face alone, faces of the shared labels: ${accuracy(alone, (i) => isShared[i]!, own)}, neutral and surprised: ${accuracy(alone, (i) => !isShared[i]!, own)}`,
  );
  console.log(
    `  with a text of the face's label, shared labels: ${accuracy(withMatched, (i) => isShared[i]!, own)}`,
  );
  console.log(
    `  with a plain sentence, all seven: ${accuracy(withPlain, () => true, own)}; neutral and surprised: ${accuracy(withPlain, (i) => !isShared[i]!, own)}`,
  );
  console.log(
    `  neutral and surprised faces with a text of an emotion: the text's label ${accuracy(
      withAny,
      (i) => !isShared[i]!,
      (i) => texts[contrary[i]!]!.label,
    )}, the face's ${accuracy(withAny, (i) => !isShared[i]!, own)}`,
  );

  if (dataset !== 'rafdb') continue;
  // Faces as a photograph has them: on a larger ground, turned and scaled.
  const model = await readFile(join(root, 'models/blazeface/face_detection_back_256x256.onnx')).catch(
    () => undefined,
  );
  if (!model) continue;
  const finder = await faceFinder(model, {});
  const [kept, crops]: [number[], DecodedImage[]] = [[], []];
  for (const [i, image] of images.entries()) {
    const photo = await photograph(image);
    const all = await finder.find(photo);
    if (!all[0]) continue;
    kept.push(i);
    crops.push(await finder.crop(photo, all[0], all));
  }
  await finder.dispose();
  const cropped = await bundle.faces(crops);
  const labels = manifest.face!.labels;
  const hits = (logits: Float32Array, rows: readonly number[]): number =>
    rows.filter((row, at) => {
      const values = [...logits.subarray(row * labels.length, (row + 1) * labels.length)];
      return labels[values.indexOf(Math.max(...values))] === faces[kept[at]!]!.label;
    }).length;
  console.log(
    `  pasted into photographs, found: ${percent(kept.length, faces.length)}; of those, accuracy as aligned by RAF-DB ${percent(hits(seen.logits.data, kept), kept.length)}, after detection and crop ${percent(
      hits(
        cropped.logits.data,
        kept.map((_, at) => at),
      ),
      kept.length,
    )}`,
  );
}
await bundle.dispose();

/** The face on a grey ground of 640 × 480, turned by up to 20° and of 80 to 200 pixels. */
async function photograph({ width, height, data: pixels }: DecodedImage): Promise<DecodedImage> {
  const side = 80 + draw.integer(121);
  const turned = await sharp(Buffer.from(pixels), { raw: { width, height, channels: 3 } })
    .resize(side, side)
    .rotate(40 * draw.uniform() - 20, { background: '#808080' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { data: photo, info } = await sharp({
    create: { width: 640, height: 480, channels: 3, background: '#808080' },
  })
    .composite([
      {
        input: turned.data,
        raw: { width: turned.info.width, height: turned.info.height, channels: 3 },
        left: draw.integer(640 - turned.info.width),
        top: draw.integer(480 - turned.info.height),
      },
    ])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(photo) };
}
