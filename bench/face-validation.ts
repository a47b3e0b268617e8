// How a learned face encoder does on validation: by published labels and by votes, under several priors, without colour,
// cropped anew, and seen in frames of other sizes. No test item is met. Not a timing.
//     node --import tsx bench/face-validation.ts DATA FEATURES LEARNED [VOTES] [--mirror] [--part N]
// FEATURES is where hashes of the faces are kept; --part takes every Nth face.
import { randomStream } from 'mien-engine/base';
import { cutOut, type CropFrame } from 'mien/parts/detector';
import type { DecodedImage } from 'mien/parts/encoders';
import { argmax, confusionMatrix, scoreOf, scores } from 'mien/parts/evaluate';
import {
  decodeFaces,
  faceClassifier,
  greyed,
  majorityOf,
  openProtocol,
  readLearnedFace,
  recropped,
} from 'mien-lab';

const given = process.argv
  .slice(2)
  .filter((word, i, all) => !word.startsWith('--') && all[i - 1] !== '--part');
const [data, dir, folder, votes] = given;
if (data === undefined || dir === undefined || folder === undefined)
  throw new Error('Name the folders of the data, of the features and of the learned encoder.');
const part = process.argv.includes('--part') ? Number(process.argv[process.argv.indexOf('--part') + 1]) : 1;

const { network, input, weights, labels, record } = await readLearnedFace(folder);
const { protocol } = await openProtocol({ data, dir, ...(votes === undefined ? {} : { paths: { votes } }) });
const faces = protocol.faces.filter(({ split }) => split === 'validation').filter((_, i) => i % part === 0);
const images = await decodeFaces(faces.map(({ item }) => item));
const classes = labels.length;
const truth = Uint8Array.from(faces, ({ label }) => labels.indexOf(label));
const majority = faces.map(({ item }) => (item.votes ? labels.indexOf(majorityOf(item.votes) ?? '') : -1));
const prior = record.calibration?.prior ?? labels.map(() => 1 / classes);
const classifier = await faceClassifier({ network, input, classes }, weights, {
  mirror: process.argv.includes('--mirror'),
});

/** Prior to the power of `share` in place of the one learned with: 1 for training, 0 for even. */
const moved = (logits: Float32Array, share: number): Float32Array =>
  logits.map((logit, i) => logit + (share - 1) * Math.log(prior[i % classes]!));

function report(name: string, logits: Float32Array, perLabel = false): void {
  const said = argmax(scores(classes, logits));
  const line = ['fer2013', 'rafdb'].flatMap((set) => {
    const own = faces.flatMap(({ item }, i) => (item.dataset === set ? [i] : []));
    const {
      accuracy,
      recall,
      perLabel: each,
    } = scoreOf(
      confusionMatrix(
        Uint8Array.from(own, (i) => truth[i]!),
        Uint8Array.from(own, (i) => said[i]!),
        classes,
      ),
    );
    const voted = own.filter((i) => majority[i]! >= 0);
    const byVotes = voted.filter((i) => said[i] === majority[i]).length / voted.length;
    if (perLabel)
      console.log(
        `  ${set}: ${labels.map((label, k) => `${label} ${each[k]!.recall.toFixed(3)}`).join('  ')}`,
      );
    return [
      `${set} ${accuracy.toFixed(4)} recall ${recall.toFixed(4)}`,
      ...(voted.length > 0 ? [`votes ${byVotes.toFixed(4)}`] : []),
    ];
  });
  console.log(`${name.padEnd(22)} ${line.join('  ')}`);
}

/** An image in a frame of `side` times its own size about its middle. */
function framed(image: DecodedImage, side: number): DecodedImage {
  const frame: CropFrame = {
    centre: { x: image.width / 2, y: image.height / 2 },
    side: side * image.width,
    across: { x: 1, y: 0 },
  };
  const { data: pixels } = cutOut(image, frame, image.width);
  return { width: image.width, height: image.width, data: Uint8Array.from(pixels, Math.round) };
}

const plain = await classifier.logits(images);
for (const share of [1, 0.75, 0.5, 0.25, 0]) report(`prior to the ${share}`, moved(plain, share), true);
const draw = randomStream(0, 'recrop');
report('grey', await classifier.logits(images.map(greyed)));
report(
  'cropped anew',
  await classifier.logits(images.map((image) => recropped(image, { scale: 1.15, shift: 0.08 }, draw))),
);
for (const side of [0.85, 0.93, 1.07, 1.15, 1.25])
  report(`frame of ${side}`, await classifier.logits(images.map((image) => framed(image, side))));
await classifier.dispose();
