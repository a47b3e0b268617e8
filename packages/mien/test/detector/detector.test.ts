// Detecting faces in real photographs: whole, rotated, small, several, filling the image, and none.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add, createGraph, encodeModel, input, randomStream } from 'mien-engine';
import { alignFace, faceFrame, isCroppedFace } from '../../src/detector/align.js';
import { createDetector, type Detector } from '../../src/detector/detector.js';
import type { DetectedFace, Point } from '../../src/detector/face.js';
import type { DecodedImage } from '../../src/encoders/encoder.js';
import { faceFinder } from '../../src/recognizer/finder.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import { prepareImage } from '../../src/modalities/face/read.js';
import type { FaceFinder } from '../../src/modalities/modality.js';
import type { RecognizeOptions } from '../../src/recognizer/types.js';
import { astronaut, EYES, part, pasted, plain, readModel, resized, turned } from './photographs.js';

let detector: Detector;
let photograph: DecodedImage;
beforeAll(async () => {
  detector = await createDetector(await readModel());
  photograph = await astronaut();
});
afterAll(() => detector.dispose());

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
const tilt = ({ keyPoints: { rightEye, leftEye } }: DetectedFace): number =>
  (Math.atan2(leftEye.y - rightEye.y, leftEye.x - rightEye.x) * 180) / Math.PI;

/** The only face in an image. */
async function only(image: DecodedImage): Promise<DetectedFace> {
  const faces = await detector.detect(image);
  expect(faces).toHaveLength(1);
  return faces[0]!;
}

describe('one face', () => {
  it('is detected with its eyes, nose and mouth', async () => {
    const { box, keyPoints, score } = await only(photograph);
    expect(score).toBeGreaterThan(0.85);
    expect(distance(keyPoints.rightEye, EYES.right)).toBeLessThan(5);
    expect(distance(keyPoints.leftEye, EYES.left)).toBeLessThan(5);
    expect(keyPoints.noseTip.y).toBeGreaterThan(keyPoints.leftEye.y);
    expect(keyPoints.mouth.y).toBeGreaterThan(keyPoints.noseTip.y);
    for (const name of ['rightEye', 'leftEye', 'noseTip', 'mouth'] as const) {
      expect(keyPoints[name].x).toBeGreaterThan(box.x);
      expect(keyPoints[name].x).toBeLessThan(box.x + box.width);
      expect(keyPoints[name].y).toBeGreaterThan(box.y);
      expect(keyPoints[name].y).toBeLessThan(box.y + box.height);
    }
    expect(keyPoints.rightEar.x).toBeLessThan(keyPoints.rightEye.x);
    expect(keyPoints.leftEar.x).toBeGreaterThan(keyPoints.leftEye.x);
  });

  it.each([-30, 30])('rotated by %i° is levelled', async (degrees) => {
    const image = await turned(photograph, degrees);
    const face = await only(image);
    expect(Math.abs(tilt(face) - tilt(await only(photograph)) - degrees)).toBeLessThan(4);
    const around = pasted(300, 300, [[alignFace(image, face), 100, 100]]);
    expect(Math.abs(tilt(await only(around)))).toBeLessThan(4);
  });

  it('is detected in a tall and in a wide photograph', async () => {
    for (const [width, height, left, top] of [
      [512, 1500, 0, 900],
      [1400, 512, 800, 0],
    ] as const) {
      const { keyPoints } = await only(pasted(width, height, [[photograph, left, top]]));
      expect(distance(keyPoints.leftEye, { x: EYES.left.x + left, y: EYES.left.y + top })).toBeLessThan(5);
    }
  });

  it('is detected when it fills the image', async () => {
    const crop = await part(photograph, 175, 75, 105, 105);
    for (const image of [crop, await resized(crop, 48)]) {
      const scale = image.width / 105;
      const faces = await detector.detect(image);
      expect(faces).toHaveLength(1);
      const eye = { x: (EYES.left.x - 175) * scale, y: (EYES.left.y - 75) * scale };
      expect(distance(faces[0]!.keyPoints.leftEye, eye)).toBeLessThan(5 * scale + 1);
      expect(isCroppedFace(image, faces)).toBe(true);
    }
    expect(isCroppedFace(photograph, await detector.detect(photograph))).toBe(false);
  });

  it('is detected when small in a large photograph, given minSize', async () => {
    const small = await resized(photograph, 150);
    const image = pasted(1600, 1200, [[small, 1000, 700]]);
    expect(await detector.detect(image)).toEqual([]);
    const [face, ...rest] = await detector.detect(image, { minSize: 25 });
    expect(rest).toEqual([]);
    const scale = 150 / 512;
    const eye = { x: EYES.left.x * scale + 1000, y: EYES.left.y * scale + 700 };
    expect(distance(face!.keyPoints.leftEye, eye)).toBeLessThan(3);
  });
});

describe('several faces', () => {
  it('are all detected, largest first', async () => {
    const image = pasted(1000, 520, [
      [await resized(photograph, 400), 0, 60],
      [photograph, 450, 0],
    ]);
    const faces = await detector.detect(image);
    expect(faces).toHaveLength(2);
    expect(faces[0]!.box.x).toBeGreaterThan(500);
    expect(faces[1]!.box.x).toBeLessThan(400);
    expect(await detector.detect(image, { maxFaces: 1 })).toEqual(faces.slice(0, 1));
  });
});

describe('a sequence of frames', () => {
  it('tracks a face to where a full search detects it', async () => {
    const before = await only(photograph);
    const [moved] = await detector.detect(pasted(700, 600, [[photograph, 12, 9]]), { near: [before] });
    expect(distance(moved!.keyPoints.rightEye, { x: EYES.right.x + 12, y: EYES.right.y + 9 })).toBeLessThan(
      5,
    );
    const [searched] = await detector.detect(pasted(700, 600, [[photograph, 12, 9]]));
    expect(distance(moved!.keyPoints.mouth, searched!.keyPoints.mouth)).toBeLessThan(2);
  });

  it('searches the whole frame again when the face is lost', async () => {
    const before = await only(photograph);
    const elsewhere = { ...before, box: { ...before.box, x: 0, y: photograph.height - before.box.height } };
    const [found] = await detector.detect(photograph, { near: [elsewhere] });
    expect(distance(found!.keyPoints.rightEye, EYES.right)).toBeLessThan(5);
    expect(await detector.detect(plain(300, 300, 90), { near: [before] })).toEqual([]);
  });
});

describe('no face', () => {
  it('gives an empty list', async () => {
    const draw = randomStream(1, 'noise');
    const noise = {
      width: 90,
      height: 70,
      data: Uint8Array.from({ length: 18900 }, () => draw.integer(256)),
    };
    for (const image of [noise, plain(64, 64, 200), plain(1, 1, 0), plain(300, 2, 90), plain(1, 500, 90)]) {
      const faces = await detector.detect(image);
      expect(faces).toEqual([]);
      expect(isCroppedFace(image, faces)).toBe(false);
    }
  });
});

describe('the crop for the face encoder', () => {
  let finder: FaceFinder;
  beforeAll(async () => {
    finder = await faceFinder(await readModel());
  });
  afterAll(() => finder.dispose());
  const decode = nodeDecoder();
  const cropOf = async (image: DecodedImage, options: RecognizeOptions = {}) =>
    (await prepareImage(image, { decode, faces: finder, options })).units[0]!;

  it('is the whole image when one face fills it and there is no other', async () => {
    const alone = await part(photograph, 170, 50, 120, 120);
    const { image, corners } = await cropOf(alone);
    expect(image).toEqual(alone);
    expect(corners![2]).toEqual({ x: 120, y: 120 });

    // The same face beside a small one: by itself it would still be large enough.
    const group = pasted(150, 120, [
      [alone, 0, 0],
      [await resized(alone, 30), 120, 10],
    ]);
    const found = await finder.find(group);
    expect(found).toHaveLength(2);
    expect(faceFrame(found[0] as DetectedFace).side).toBeGreaterThan(0.6 * 150);
    for (const options of [{}, { allFaces: true }]) {
      const crop = await cropOf(group, options);
      expect(crop.image).toEqual(alignFace(group, found[0] as DetectedFace));
      expect(crop.corners![1].x).toBeLessThan(140);
    }
  });

  it('is never the whole frame of a sequence, in which other faces may not have been searched for', async () => {
    const frame = await part(photograph, 165, 40, 130, 130);
    const [place] = await finder.find(frame);
    const aligned = alignFace(frame, place as DetectedFace);
    for (const options of [{ near: [] }, { places: [place!] }])
      expect((await cropOf(frame, options)).image).toEqual(aligned);
    expect((await cropOf(frame, { near: [place!] })).image.width).toBe(100);
  });
});

describe('the detector', () => {
  it('gives the same faces for the same photograph', async () => {
    expect(await detector.detect(photograph)).toEqual(await detector.detect(photograph));
  });

  it.each([
    [{ minScores: 0.5 }, /minScore/],
    [{ minScore: 1.5 }, /between 0 and 1/],
    [{ maxFaces: 0 }, /at least 1/],
    [{ minSize: 3 }, /at least 12/],
    [{ minSize: NaN }, /at least 12/],
  ])('rejects the options %j', async (options, message) => {
    await expect(detector.detect(plain(9, 9, 0), options as object)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message) as string,
    });
  });

  it('rejects images whose data does not match their size', async () => {
    for (const image of [plain(0, 4, 0), { ...plain(4, 4, 0), width: 5 }, { ...plain(4, 4, 0), height: NaN }])
      await expect(detector.detect(image)).rejects.toMatchObject({ code: 'data' });
  });

  it('rejects other models', async () => {
    const graph = createGraph('other');
    const value = input(graph, 'x', 'float32', [1]);
    for (const model of [encodeModel(graph, { y: add(value, 1) }), new Uint8Array(64)])
      await expect(createDetector(model)).rejects.toMatchObject({ code: 'format' });
  });
});
