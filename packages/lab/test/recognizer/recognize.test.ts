// The recogniser over a bundle whose answers are known: what decides, what is warned of, what fails alone.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeType, tagOf } from 'mien-engine/base';
import { openBundle } from 'mien/parts/bundle';
import type { FaceFinder } from 'mien/parts/modalities';
import {
  createRecognizer,
  type FacePlace,
  isRecognition,
  type Item,
  loadRecognizer,
  nodeDecoder,
  type Recognition,
  type Recognizer,
  type Result,
} from 'mien/parts/recognizer';
import { decisionModel } from '../../src/export/decision.js';
import { faceOf, openLegible } from '../../../../test/support/bundle.js';
import { hostileAddresses, hostileItems, hostileValues } from '../../../../test/support/hostile.js';
import { smallFace } from '../../../../test/support/small-encoders.js';
import sharp from 'sharp';

const place = (width: number): FacePlace => ({
  box: { x: 0, y: 0, width, height: width },
  keyPoints: {},
  score: 0.9,
});

/** A photograph is as many faces as it is times wider than high; black ones have none. */
const finder: FaceFinder = {
  find: async ({ width, height, data }) =>
    data.every((value) => value === 0)
      ? []
      : Array.from({ length: Math.round(width / height) }, () => place(height)),
  crop: (image) => image,
  dispose: async () => undefined,
};

let recognizer: Recognizer;
beforeAll(async () => {
  recognizer = createRecognizer({ bundle: await openLegible(), faces: finder, decode: nodeDecoder() });
});
afterAll(() => recognizer.dispose());

const one = async (item: Item, options = {}): Promise<Recognition> => {
  const result = await recognizer.recognize(item, options);
  if (!isRecognition(result)) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result;
};
const codes = ({ warnings }: Result): string[] => warnings.map(({ code }) => code);
const black = { width: 48, height: 48, data: new Uint8Array(48 * 48 * 3) };

describe('one modality', () => {
  test('a text answers over the shared labels, and says all it thinks beside', async () => {
    const result = await one({ text: 'I felt fear the day' });
    expect(result).toMatchObject({ label: 'fear', from: 'text', text: { label: 'fear' }, warnings: [] });
    // By hand: logit 6 against six of zero, then the shared five of seven.
    expect(result.text!.probabilities['fear']).toBeCloseTo(Math.exp(6) / (Math.exp(6) + 6), 6);
    expect(result.probabilities['fear']).toBeCloseTo(Math.exp(6) / (Math.exp(6) + 4), 6);
    expect(result).not.toHaveProperty('face');
    expect(result).not.toHaveProperty('gate');
  });

  test('a text of another emotion says so', async () => {
    const result = await one({ text: 'shame' });
    expect(result.text!.label).toBe('shame');
    expect(Object.keys(result.probabilities)).not.toContain('shame');
    expect(codes(result)).toEqual(['other-emotion']);
  });

  test('a face may be neutral or surprised', async () => {
    for (const label of ['neutral', 'surprise', 'anger'] as const) {
      const result = await one({ image: faceOf(label) });
      expect(result).toMatchObject({ label, from: 'face', face: { label, place: { score: 0.9 } } });
    }
  });

  test('is read where it is known to be, and none is looked for', async () => {
    const known = { ...place(20), score: 0.5 };
    const result = await one({ image: faceOf('joy') }, { places: [known] });
    expect(result.face).toMatchObject({ label: 'joy', place: known });
    expect(await recognizer.recognize({ image: faceOf('joy') }, { places: [] })).toMatchObject({
      error: { code: 'no-face' },
    });
  });

  test('a cropped face has no place', async () => {
    const result = await one({ image: faceOf('joy') }, { faces: 'cropped' });
    expect(result.face).toMatchObject({ label: 'joy', place: null });
  });
});

test('a face is the same in a mirror, unless its mirror image is not to be read', async () => {
  const { bytes, manifest } = smallFace();
  const mirroring = createRecognizer({
    bundle: await openBundle(manifest, { 'face.onnx': bytes, 'decision.onnx': decisionModel(manifest) }),
    faces: finder,
    decode: nodeDecoder(),
  });
  const data = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => (i % 120) * 2);
  const turned = Uint8Array.from(data, (_, i) => data[i - (i % 120) + 117 - (i % 120) + 2 * (i % 3)]!);
  const logits = async (mirror?: boolean): Promise<number[][]> => {
    const images = [data, turned].map((pixels) => ({ image: { width: 40, height: 40, data: pixels } }));
    const results = await mirroring.recognize(images, { faces: 'cropped', mirror });
    return results.map((result) => Object.values((result as Recognition).logits));
  };
  const distance = ([a, b]: number[][]): number =>
    Math.max(...a!.map((value, i) => Math.abs(value - b![i]!)));
  expect(distance(await logits())).toBeLessThan(1e-5);
  expect(distance(await logits(false))).toBeGreaterThan(1e-3);
  // The mean of embeddings under a linear classifier is the mean of logits.
  const [mean, ownAndTurned] = [(await logits())[0]!, await logits(false)];
  mean.forEach((value, i) => expect(value).toBeCloseTo((ownAndTurned[0]![i]! + ownAndTurned[1]![i]!) / 2, 5));
  await mirroring.dispose();
});

describe('both', () => {
  test('are fused, with the gate and how far they disagree', async () => {
    const agree = await one({ text: 'joy', image: faceOf('joy') }, { gate: true });
    expect(agree).toMatchObject({ label: 'joy', from: 'both' });
    expect(agree.gate!.values).toHaveLength(2);
    expect(agree.gate!.mean).toBeCloseTo(1 / (1 + Math.exp(2)), 6);
    const contrary = await one({ text: 'joy', image: faceOf('anger') });
    expect(contrary.gate).not.toHaveProperty('values');
    expect(contrary.disagreement!).toBeGreaterThan(0.8);
    expect(agree.disagreement!).toBeLessThan(0.1);
    expect(codes(agree)).toEqual([]);
    expect(contrary.warnings).toEqual([
      {
        code: 'modalities-disagree',
        message: expect.stringMatching(/text tells of joy, the face shows anger/) as string,
      },
    ]);
    // A neutral face contradicts nothing, nor does a text that says nothing.
    expect(codes(await one({ text: 'anger', image: faceOf('neutral') }))).toEqual([]);
    expect(codes(await one({ text: 'the day', image: faceOf('anger') }))).toEqual([]);
    // A text without a word of feeling opens the gate to the face.
    expect((await one({ text: 'the day', image: faceOf('anger') })).gate!.mean).toBeGreaterThan(0.8);
  });

  test('where they contradict each other the answer leans on each alone, if the bundle allows for that', async () => {
    const doubting = createRecognizer({
      bundle: await openLegible([], 0.9),
      faces: finder,
      decode: nodeDecoder(),
    });
    const ask = async (text: string, label: 'joy' | 'anger') =>
      (await doubting.recognize({ text, image: faceOf(label) })) as Recognition;
    const [agree, contrary] = [await ask('joy', 'joy'), await ask('joy', 'anger')];
    expect(agree.agreement!).toBeGreaterThan(0.95);
    expect(agree).toMatchObject({ label: 'joy', warnings: [] });
    expect(contrary.agreement!).toBeLessThan(0.5);
    expect(codes(contrary)).toEqual(['modalities-disagree']);
    // Without it one of both would win by far.
    const sure = await one({ text: 'joy', image: faceOf('anger') });
    expect(Math.max(...Object.values(sure.probabilities))).toBeGreaterThan(
      Math.max(...Object.values(contrary.probabilities)),
    );
    expect(contrary.probabilities['joy']!).toBeGreaterThan(0.3);
    expect(contrary.probabilities['anger']!).toBeGreaterThan(0.3);
    expect(sure).not.toHaveProperty('agreement');
    await doubting.dispose();
  });

  test('the answer is over the labels of the fusion, whatever the face shows', async () => {
    for (const text of ['the day', 'anger', 'shame'])
      for (const label of ['neutral', 'surprise', 'fear'] as const) {
        const { probabilities, logits } = await one({ text, image: faceOf(label) });
        expect(Object.keys(probabilities)).toEqual(recognizer.info.labels.fused);
        expect(Object.keys(logits)).toEqual(recognizer.info.labels.fused);
        expect(Object.values(probabilities).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
      }
    expect((await one({ text: 'anger', image: faceOf('neutral') })).label).toBe('anger');
  });

  test('without a fusion model the product of posteriors answers', async () => {
    const without = createRecognizer({
      bundle: await openLegible(['fusion']),
      faces: finder,
      decode: nodeDecoder(),
    });
    const result = await without.recognize({ text: 'joy', image: faceOf('joy') });
    expect(result).toMatchObject({ label: 'joy', from: 'both' });
    expect(result).not.toHaveProperty('gate');
    await without.dispose();
  });

  test('a bundle of texts alone reads the text and says what it cannot', async () => {
    const alone = createRecognizer({
      bundle: await openLegible(['face', 'fusion']),
      faces: finder,
      decode: nodeDecoder(),
    });
    const result = await alone.recognize({ text: 'joy', image: faceOf('anger') });
    expect(result).toMatchObject({ label: 'joy', from: 'text' });
    expect(codes(result)).toEqual(['image-missing']);
    await alone.dispose();
  });
});

describe('what an item may be like', () => {
  test('a bad item fails alone, in its place', async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    const broken = jpeg.subarray(0, jpeg.length / 2);
    const results = await recognizer.recognize([
      { text: 'joy' },
      { image: broken },
      { text: ' … ' },
      { image: black },
      { image: 'no/such/file.jpg' },
      { image: faceOf('anger') },
      { text: null, image: null },
      { text: 'joy', image: broken },
      { image: 'https://example.com/face.jpg' },
      { image: { width: 2, height: 2, data: new Uint8Array(5) } },
    ]);
    expect(results.map((result) => result.error?.code ?? (result as Recognition).label)).toEqual([
      'joy',
      'undecodable-image',
      'empty-text',
      'no-face',
      'undecodable-image',
      'anger',
      'no-input',
      'undecodable-image',
      'undecodable-image',
      'undecodable-image',
    ]);
  });

  test('what one modality lacks is a warning where the other answers', async () => {
    expect(codes(await one({ text: 'joy', image: black }))).toEqual(['no-face']);
    expect(codes(await one({ text: '', image: faceOf('joy') }))).toEqual(['empty-text']);
  });

  test('warnings: several faces, a small one, a long text, another language', async () => {
    const wide = { width: 96, height: 48, data: new Uint8Array(96 * 48 * 3).fill(255) };
    const several = await one({ image: wide }, { allFaces: true });
    expect(codes(several)).toEqual(['several-faces']);
    expect(several.others).toHaveLength(1);
    expect(codes(await one({ image: faceOf('joy', 20) }))).toEqual(['small-face']);
    expect(codes(await one({ text: 'joy joy joy joy joy joy joy joy joy' }))).toContain('text-truncated');
    const german =
      'Gestern habe ich meinen alten Freund nach vielen Jahren wieder getroffen und mich gefreut.';
    expect(codes(await recognizer.recognize({ text: german }))).toContain('not-english');
    const japanese = { text: '昨日、古い友人に会ってとても嬉しかった' };
    expect(codes(await recognizer.recognize(japanese))).toContain('not-english');
  });

  test('what the model has no tokens for is no evidence: a text of nothing else is no text', async () => {
    const unread = ['😡', '😭😭😭', '❤️', '开心', '오늘', 'a'.repeat(120), 'zzz😡', '１２３', ':(😡'];
    for (const text of unread) {
      const alone = await recognizer.recognize({ text });
      expect(alone.error, text).toEqual({
        code: 'empty-text',
        message: expect.stringMatching(/does not know ./) as string,
      });
      const { warnings, ...beside } = await one({ text, image: faceOf('joy') });
      expect(warnings.map(({ code }) => code).filter((code) => code !== 'not-english')).toEqual([
        'empty-text',
      ]);
      const { warnings: _, ...face } = await one({ image: faceOf('joy') });
      expect(beside).toEqual(face);
      expect(await recognizer.explain({ text })).toMatchObject({ error: { code: 'empty-text' } });
    }
    for (const text of ['', ':(', '!!!', '€ → █'])
      expect(await recognizer.recognize({ text })).toMatchObject({
        error: { code: 'empty-text', message: 'the text has no words' },
      });
    // Messages stay short whatever could not be read.
    const long = await recognizer.recognize({ text: '한'.repeat(90) + ' zz yy xx ww' });
    expect(long.error!.message).toMatch(/know 한{20}…, zz, yy, …$/);
  });

  test('says which share of the text was read, and warns where it is little', async () => {
    const reading = async (text: string): Promise<[number, string[]]> => {
      const result = await one({ text });
      return [result.text!.read, codes(result)];
    };
    expect(await reading('joy, day!')).toEqual([1, []]);
    expect(await reading('joy😡')).toEqual([3 / 4, []]);
    expect(await reading('ＪＯＹ joy day zz')).toEqual([9 / 11, []]);
    expect(await reading('joy😡😡')).toEqual([3 / 5, ['text-unread']]);
    expect(await reading('joy한국어한국')).toEqual([3 / 8, ['not-english', 'text-unread']]);
    // What was cut off was not read either, of which there is another warning.
    expect(await reading('joy '.repeat(12))).toEqual([1 / 2, ['text-truncated']]);
  });

  test.each(['😡', '😢', '😱', '🤮!!', '❤️', '👍🏽', '™', '€', '♥', '█'])(
    'a symbol that touches a word (%s) changes its answer no more than one beside it',
    async (symbol) => {
      const [touching, beside] = [`fear${symbol}`, `fear ${symbol}`];
      const [a, b] = [await one({ text: touching }), await one({ text: beside })];
      expect(a).toEqual(b);
      expect(a.label).toBe('fear');
    },
  );

  test('images come as paths, bytes, blobs, data URLs and pixels with transparency', async () => {
    const { width, height, data } = faceOf('anger');
    const png = await sharp(Buffer.from(data), { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const rgba = new Uint8ClampedArray(width * height * 4).map((_, i) =>
      i % 4 === 0 || i % 4 === 3 ? 255 : 0,
    );
    const sources = [
      png,
      png.buffer.slice(png.byteOffset, png.byteOffset + png.length) as ArrayBuffer,
      new Blob([Uint8Array.from(png)]),
      `data:image/png;base64,${png.toString('base64')}`,
      { width, height, data: rgba },
    ];
    for (const image of sources) expect((await one({ image })).label).toBe('anger');
    // What is transparent lies on white.
    const clear = { width, height, data: new Uint8ClampedArray(width * height * 4) };
    expect((await one({ image: clear })).label).toBe('surprise');
  });

  test('what an item holds is its own error, which names it', async () => {
    const said = async (item: unknown): Promise<unknown> =>
      (await recognizer.recognize([{ text: 'joy' }, item as Item]))[1]!.error;
    const invalid = (message: string) => ({ code: 'invalid-item', message });
    expect(await said({ id: 1, txt: 'joy' })).toEqual(
      invalid('there is neither text nor image nor audio, but "txt". Did you mean "text"?'),
    );
    expect(await said({ text: 7 })).toEqual(invalid('the text is a number, not a string'));
    expect(await said({ text: ['joy'], image: faceOf('joy') })).toEqual(
      invalid('the text is an Array, not a string'),
    );
    expect(await said('joy')).toEqual(invalid('the item is a string, not an object { text, image, audio }'));
    expect(await said(Promise.resolve({}))).toMatchObject(invalid(expect.stringContaining('a Promise')));
    expect(await recognizer.recognize('joy' as unknown as Item)).toMatchObject({
      error: { code: 'invalid-item' },
    });
    // A hole in a list is an item too.
    // eslint-disable-next-line no-sparse-arrays
    const sparse = [{ text: 'joy' }, , { text: 'fear' }] as Item[];
    expect((await recognizer.recognize(sparse)).map(({ error }) => error?.code)).toEqual([
      undefined,
      'invalid-item',
      undefined,
    ]);
    expect(await recognizer.recognize([])).toEqual([]);
  });

  describe('whatever it holds', () => {
    const good: Item[] = [
      { id: 'a', text: 'joy' },
      { id: 'b', text: 'fear', image: faceOf('anger') },
    ];
    let expected: Result[];
    beforeAll(async () => {
      expected = await recognizer.recognize(good);
    });
    /** The item's own result, between two whose answers it must not change. */
    const between = async (item: unknown): Promise<Result> => {
      const [first, result, last] = await recognizer.recognize([good[0]!, item as Item, good[1]!]);
      expect([first, last]).toEqual(expected);
      if (result!.error) {
        expect(result!.error.code).toMatch(
          /^(no-face|undecodable-image|empty-image|empty-text|no-input|invalid-item)$/,
        );
        expect(result!.error.message).not.toMatch(/unexpected|internal|bug in mien/);
        for (const line of result!.error.message.split('\n')) expect(line.length).toBeLessThan(800);
      }
      return result!;
    };

    test('its neighbours are answered as without it', async () => {
      for (const value of hostileValues()) {
        expect((await between({ text: value })).error?.code, describeType(value)).toBe('invalid-item');
        // Beside a text, buffers without a byte are a warning, and a nameless Blob without one is no image.
        const beside = await between({ image: value, text: 'joy' });
        if (tagOf(value) === 'Blob') expect(beside.warnings).toEqual([]);
        else if (!beside.error) expect(beside.warnings[0]!.code, describeType(value)).toBe('empty-image');
      }
      for (const image of hostileAddresses())
        expect((await between({ image })).error?.code, image.slice(0, 40)).toBe(
          image === '' ? 'no-input' : 'undecodable-image',
        );
      for (const item of hostileItems())
        expect((await between(item)).error?.code, describeType(item)).toMatch(/invalid-item|no-input/);
    });

    test('and so for values that nobody has thought of', async () => {
      const anything = fc.anything({
        withBigInt: true,
        withDate: true,
        withTypedArray: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withObjectString: true,
        withSparseArray: true,
        withBoxedValues: true,
      });
      const pixels = fc.record({
        width: fc.oneof(fc.integer({ min: 0, max: 3 }), anything),
        height: fc.integer({ min: 1, max: 3 }),
        data: fc.oneof(fc.uint8Array({ maxLength: 36 }), fc.float32Array({ maxLength: 36 }), anything),
      });
      const image = fc.oneof(anything, pixels, fc.string(), fc.uint8Array());
      await fc.assert(
        fc.asyncProperty(fc.oneof(anything, fc.string()), image, async (text, given) => {
          await between({ text, image: given });
        }),
        { numRuns: 50 },
      );
    }, 120_000);

    test('a stream, a session and an explanation go on', async () => {
      const items = [...hostileItems(), ...hostileValues().map((image) => ({ image }))] as Item[];
      const codes: unknown[] = [];
      for await (const { error } of recognizer.stream([good[0]!, ...items, good[0]!]))
        codes.push(error?.code);
      expect([codes.length, codes[0], codes.at(-1)]).toEqual([items.length + 2, undefined, undefined]);
      expect(codes.slice(1, -1)).not.toContain(undefined);
      const session = recognizer.session();
      for (const item of items) {
        expect((await session.push(item)).result.error).toBeDefined();
        expect(await recognizer.explain(item)).toHaveProperty('error');
      }
      expect((await session.push({ text: 'joy' })).label).toBe('joy');
    });
  });

  test('an item with nothing in it fails alone, whether its keys are there or not', async () => {
    const results = await recognizer.recognize([{}, { text: undefined }, { text: 'joy' }, { id: 'c' }]);
    expect(results.map((result) => result.error?.code)).toEqual([
      'no-input',
      'no-input',
      undefined,
      'no-input',
    ]);
    expect(results[0]).toEqual(results[1]);
    expect(await recognizer.recognize({})).toEqual(results[0]);
  });

  test('an image that is not there, as forms and tables write it, is none', async () => {
    const nothing = [null, '', new File([], ''), new Blob([])];
    for (const image of nothing) {
      expect(await one({ text: 'joy', image })).toEqual(await one({ text: 'joy' }));
      expect((await recognizer.recognize({ image })).error?.code).toBe('no-input');
    }
  });

  test('an image without a byte is an error alone, and a warning beside a text', async () => {
    for (const image of [new File([], 'face.jpg'), new Uint8Array(0), Buffer.alloc(0), new ArrayBuffer(0)]) {
      const beside = await one({ text: 'joy', image });
      expect([beside.label, beside.from, codes(beside)]).toEqual(['joy', 'text', ['empty-image']]);
      expect((await recognizer.recognize({ image })).error?.code).toBe('empty-image');
      expect((await recognizer.recognize({ text: '', image })).error?.code).toBe('empty-image');
    }
  });

  test('a result bears the id of its item, and none where there is none', async () => {
    const items: Item[] = [{ id: 'a', text: 'joy' }, { text: 'fear' }, { id: 0, text: '' }, { id: 'a' }];
    const results = await recognizer.recognize(items);
    expect(results.map(({ id }) => id)).toEqual(['a', undefined, 0, 'a']);
    expect(results[1]).not.toHaveProperty('id');
    expect(await recognizer.recognize(items[0]!)).toEqual(results[0]);
    const streamed: unknown[] = [];
    for await (const { id } of recognizer.stream(items, { batchSize: 3 })) streamed.push(id);
    expect(streamed).toEqual(['a', undefined, 0, 'a']);
  });

  test('without files, paths open nothing, and everything else is read', async () => {
    const closed = createRecognizer({
      bundle: await openLegible(),
      faces: finder,
      decode: nodeDecoder({ files: false }),
    });
    const { width, height, data } = faceOf('anger');
    const png = await sharp(Buffer.from(data), { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const file = join(await mkdtemp(join(tmpdir(), 'mien-files-')), 'anger.png');
    await writeFile(file, png);
    const paths = [file, pathToFileURL(file), pathToFileURL(file).href, relative(process.cwd(), file)];
    for (const image of paths) {
      const { error } = await closed.recognize({ text: 'joy', image });
      expect(error).toEqual({
        code: 'undecodable-image',
        message: expect.stringMatching(/^(?!.*anger).*files: false/s) as string,
      });
      expect((await one({ image })).label).toBe('anger');
    }
    const given = [png, new Blob([Uint8Array.from(png)]), `data:image/png;base64,${png.toString('base64')}`];
    for (const image of [...given, faceOf('anger')])
      expect(await closed.recognize({ image })).toMatchObject({ label: 'anger' });
    await rm(dirname(file), { recursive: true });
    await closed.dispose();
  });

  test('an option that nobody reads is an error that names the one that was meant', async () => {
    const refused = (options: object) => recognizer.recognize({ text: 'joy' }, options);
    await expect(refused({ allfaces: true })).rejects.toThrow(/Did you mean "allFaces"/);
    await expect(refused({ faces: 'crop' })).rejects.toThrow(/faces cannot be "crop"/);
    await expect(refused({ faces: Symbol('crop') })).rejects.toThrow(/faces cannot be a symbol/);
    await expect(refused({ near: 7 })).rejects.toThrow(/near cannot be 7.*\nExpected a list/);
    await expect(refused(null as unknown as object)).rejects.toThrow(/options of recognition cannot be null/);
    await expect(recognizer.stream(7 as unknown as Item[]).next()).rejects.toMatchObject({ code: 'usage' });
    await expect(recognizer.stream([{ text: 'joy' }], { batchsize: 2 } as object).next()).rejects.toThrow(
      /unknown option "batchsize"/,
    );
    await expect(loadRecognizer({ bundel: 'elsewhere' } as object)).rejects.toThrow(/Did you mean "bundle"/);
    expect(await refused({ faces: undefined, signal: undefined })).toMatchObject({ label: 'joy' });
  });

  test('texts that are odd are read', async () => {
    for (const text of ['\ud800', '😀', 'joy\u0000', 'a'.repeat(100_000), '\u202ejoy']) {
      const result = await recognizer.recognize({ text });
      expect([undefined, 'empty-text']).toContain(result.error?.code);
      if (!result.error) expect((result as Recognition).text!.read).toBeGreaterThan(0);
    }
  });
});

test('many items come back in order, the same as one by one', async () => {
  const labels = ['joy', 'anger', 'fear', 'sadness', 'disgust'] as const;
  const items = Array.from({ length: 70 }, (_, i): Item => {
    const label = labels[i % 5]!;
    return i % 3 === 0
      ? { text: label }
      : i % 3 === 1
        ? { image: faceOf(label) }
        : { text: label, image: faceOf(label) };
  });
  const together = await recognizer.recognize(items);
  expect(together.map((result) => (result as Recognition).label)).toEqual(items.map((_, i) => labels[i % 5]));
  expect(together[5]).toEqual(await recognizer.recognize(items[5]!));
});

describe('a signal', () => {
  test('stops a call and a stream', async () => {
    const aborted = AbortSignal.abort();
    await expect(recognizer.recognize({ text: 'joy' }, { signal: aborted })).rejects.toThrow(/aborted/);
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<Item> {
      yield { text: 'joy' };
      await new Promise(() => undefined);
    }
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const result of recognizer.stream(endless(), { signal: controller.signal })) {
          seen.push((result as Recognition).label);
          controller.abort();
        }
      })(),
    ).rejects.toThrow(/aborted/);
    expect(seen).toEqual(['joy']);
  });
});

test('a stream keeps order, holds few items, and closes its source', async () => {
  let [given, taken, most, closed] = [0, 0, 0, false];
  function* source(): Generator<Item> {
    try {
      for (;;) {
        given++;
        most = Math.max(most, given - taken);
        yield { text: given % 2 === 0 ? 'joy' : 'fear' };
      }
    } finally {
      closed = true;
    }
  }
  for await (const result of recognizer.stream(source(), { batchSize: 4 })) {
    taken++;
    expect((result as Recognition).label).toBe(taken % 2 === 0 ? 'joy' : 'fear');
    if (taken === 10) break;
  }
  expect(most).toBeLessThanOrEqual(8);
  expect(closed).toBe(true);
});

test('after dispose nothing computes, and disposing again is no error', async () => {
  const gone = createRecognizer({ bundle: await openLegible(), faces: finder, decode: nodeDecoder() });
  const underWay = gone.recognize({ text: 'joy' });
  await gone.dispose();
  await gone[Symbol.asyncDispose]();
  expect((await underWay).error).toBeUndefined();
  await expect(gone.recognize({ text: 'joy' })).rejects.toThrow(/disposed/);
});
