// `loadRecognizer` in a real browser: the same answers as in Node for a picture in any form, files kept, errors typed.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DecodedImage, decodeImage } from 'mien/parts/encoders';
import { createGraph, encodeModel, input, mul } from 'mien-engine';
import { isRecognition, type Item, loadRecognizer, type Recognition, type Result } from 'mien';
import { writeLegible } from '../support/bundle.js';
import { goldenPath } from '../support/golden.js';
import { recordingOf, wavOf, writeVoiced } from '../support/voice.js';
import { holds } from './page-actions.js';
import {
  buildWith,
  CHROMIUM,
  launch,
  openPage,
  PHOTOGRAPH,
  servePlainly,
  SOFTWARE_WEBGPU,
  temporaryFolder,
  WITHOUT_CHROMIUM,
} from './support.js';

/** Samples a second of recordings that are resampled, and of one that is not. */
const RATES = [44_100, 16_000];
const VOICE = { label: 'sadness', start: 0.3, end: 1.7 } as const;

describe.skipIf(!CHROMIUM)(`the library in a browser${WITHOUT_CHROMIUM}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let site: string;
  let host: Awaited<ReturnType<typeof servePlainly>>;
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    folder = await temporaryFolder();
    site = join(folder.path, 'site');
    await buildWith('test/web/harness', site);
    await writeLegible(join(site, 'model'));
    await writeFile(join(site, 'photograph.png'), await readFile(PHOTOGRAPH));
    // Lying on its side, with a note that says so.
    await sharp(PHOTOGRAPH)
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toFile(join(site, 'turned.jpg'));
    await writeFile(join(site, 'broken.jpg'), 'no picture');
    await writeVoiced(join(site, 'voiced'));
    await writeFile(join(site, 'voice.opus'), await readFile(goldenPath('sounds/mono.opus')));
    for (const rate of RATES)
      await writeFile(join(site, `voice-${rate}.wav`), wavOf(recordingOf(2, [VOICE], rate), rate));
    await writeFile(join(site, 'detector.onnx'), smallDetector());
    await mkdir(join(site, 'changed'));
    for (const name of ['manifest.json', 'text.onnx', 'face.onnx', 'decision.onnx', 'tokenizer.json'])
      await writeFile(
        join(site, 'changed', name),
        name === 'face.onnx' ? Buffer.alloc(550) : await readFile(join(site, 'model', name)),
      );
    host = await servePlainly(site, '');
    browser = await launch();
    ({ page, problems } = await openPage(await browser.newContext(), host.url));
    await holds(page, 'globalThis.harness');
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await host?.close();
    await folder?.remove();
  });

  const call = <T>(name: string, ...values: unknown[]): Promise<T> =>
    page.evaluate(`harness.${name}(${values.map((value) => JSON.stringify(value)).join()})`) as Promise<T>;
  const inNode = async (item: Item): Promise<Recognition> => {
    await using recognizer = await loadRecognizer({ bundle: join(site, 'model'), threads: 1 });
    return recognized(await recognizer.recognize(item));
  };

  test('reads a picture in every form as Node reads the file', async () => {
    const expected = await inNode({ text: 'I felt joy', image: PHOTOGRAPH });
    const forms = (await page.evaluate('harness.forms')) as string[];
    expect(forms).toHaveLength(14);
    for (const form of forms) {
      const found = recognized(await call<Result>('read', form, 'photograph.png', 'I felt joy'));
      expect(found.label, form).toBe(expected.label);
      expect(furthest(found, expected), form).toBeLessThan(0.005);
      const [box, own] = [found.face!.place!.box, expected.face!.place!.box];
      for (const side of ['x', 'y', 'width', 'height'] as const)
        expect(Math.abs(box[side] - own[side]), form).toBeLessThan(1);
    }
    expect(problems).toEqual([]);
  });

  test.each(RATES)('hears a recording at %i Hz in every form as Node hears the file', async (rate) => {
    const file = `voice-${rate}.wav`;
    await using recognizer = await loadRecognizer({ bundle: join(site, 'voiced'), threads: 1 });
    const expected = recognized(await recognizer.recognize({ audio: join(site, file) }));
    expect(expected).toMatchObject({ from: 'voice', label: VOICE.label });
    for (const form of ['address', 'Blob', 'samples', 'AudioBuffer']) {
      const found = recognized(await call<Result>('hear', form, file, rate));
      expect(found, form).toMatchObject({ from: 'voice', voice: { seconds: 2 } });
      expect(furthest(found, expected), form).toBeLessThan(1e-4);
    }
    expect(problems).toEqual([]);
  });

  test('hears in a worker, and says that browsers decode nothing but WAV there', async () => {
    const heard = await call<Result>('inWorker', 'audio', 'voice-16000.wav');
    expect(heard).toMatchObject({ from: 'voice', label: VOICE.label });
    const { error } = await call<Result>('inWorker', 'audio', 'voice.opus');
    expect(error, error!.message).toMatchObject({ code: 'no-audio-decoder' });
    expect(error!.message).toMatch(/pages only, not in workers/);
  });

  test('encodes words and a voice once beside many pictures', async () => {
    const runs = await call<Record<string, number>>('runs', 'photograph.png', 'voice-16000.wav', [
      'joy',
      'joy',
      'joy',
      'fear',
    ]);
    expect(runs).toMatchObject({ ids: 2, samples: 1, pixels: 4 });
  });

  test('turns a photograph upright as its EXIF orientation says', async () => {
    const expected = await inNode({ image: join(site, 'turned.jpg') });
    const found = recognized(await call<Result>('read', 'Blob', 'turned.jpg'));
    expect(furthest(found, expected)).toBeLessThan(0.02);
    expect(furthest(found, await inNode({ image: PHOTOGRAPH }))).toBeLessThan(0.05);
  });

  test('takes a file field that was left empty for no picture', async () => {
    const found = recognized(await call<Result>('unchosen', 'I felt joy'));
    expect(found).toMatchObject({ label: 'joy', from: 'text', warnings: [] });
  });

  test('turns every format in every orientation as Node does, WebP too', async () => {
    // A corner of each colour.
    const data = Uint8Array.from({ length: 32 * 16 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 32, Math.floor(i / 96)];
      return [x < 16 ? 255 : 0, y < 8 ? 255 : 0, 0][i % 3]!;
    });
    for (const format of ['jpeg', 'png', 'webp', 'avif'] as const)
      for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
        const image = sharp(data, { raw: { width: 32, height: 16, channels: 3 } });
        const bytes = await image.withMetadata({ orientation }).toFormat(format).toBuffer();
        const upright = await decodeImage(bytes);
        expect(await call('upright', bytes.toString('base64')), `${format} ${orientation}`).toBe(
          cornersOf(upright),
        );
      }
  });

  test('answers the neighbours of what is no image', async () => {
    const { first, last, ...codes } = await call<Record<string, string>>('noImages', 'photograph.png');
    expect([first, last]).toEqual(['joy', 'joy']);
    const others = { empty: 'no-input', gone: 'empty-image' };
    expect(codes).toEqual({
      ...Object.fromEntries(Object.keys(codes).map((name) => [name, 'undecodable-image'])),
      ...others,
    });
    expect(Object.keys(codes).length).toBeGreaterThan(15);
  });

  test('says what is wrong with a picture', async () => {
    for (const [form, address, message] of [
      ['Blob', 'broken.jpg', /cannot be decoded/],
      ['address', 'missing.jpg', /status 404/],
    ] as const) {
      const result = await call<Result>('read', form, address);
      expect(result.error?.code).toBe('undecodable-image');
      expect(result.error?.message).toMatch(message);
    }
  });

  test('computes in a worker, and streams', async () => {
    const expected = await inNode({ image: PHOTOGRAPH });
    const found = recognized(await call<Result>('inWorker', 'image', 'photograph.png'));
    expect(furthest(found, expected)).toBeLessThan(0.005);
    expect(await call('stream', ['joy', '', 'anger😡', '😡'])).toEqual([
      'joy',
      'empty-text',
      'anger',
      'empty-text',
    ]);
  });

  test('tells progress, and fetches the model once', async () => {
    const told = await call<{ loaded: number; total: number }[]>('progress', { cache: false });
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)!.loaded).toBe(told.at(-1)!.total);
    told.slice(1).forEach(({ loaded }, i) => expect(loaded).toBeGreaterThanOrEqual(told[i]!.loaded));
    await call('progress');
    const requested: string[] = [];
    page.on('request', (request) => requested.push(new URL(request.url()).pathname));
    await call('progress');
    expect(requested).toEqual(['/model/manifest.json']);
    const kept = (await page.evaluate(
      "caches.open('mien-models').then((cache) => cache.keys()).then((keys) => keys.map(({ url }) => url))",
    )) as string[];
    const manifest = JSON.parse(await readFile(join(site, 'model/manifest.json'), 'utf8')) as {
      files: Record<string, { sha256: string }>;
    };
    for (const { sha256 } of Object.values(manifest.files))
      expect(kept.some((url) => url.endsWith(sha256))).toBe(true);
  });

  test('recognises texts before anything else has arrived or is stored, even if nothing can be stored', async () => {
    const found = await call<{
      text: Result;
      fused: Result;
      before: string[];
      fetched: string[];
      putsBefore: number;
      puts: number;
      unhandled: string[];
    }>('textFirst', 'photograph.png');
    expect(recognized(found.text).from).toBe('text');
    expect(found.putsBefore).toBe(0);
    expect(found.fetched.indexOf('face.onnx')).toBeGreaterThan(found.fetched.indexOf('text.onnx'));
    const expected = await inNode({ text: 'I felt joy', image: PHOTOGRAPH });
    const fused = recognized(found.fused);
    expect(fused.from).toBe('both');
    expect(furthest(fused, expected)).toBeLessThan(1e-3);
    // Each file was fetched once by the first recogniser.
    expect(found.fetched.filter((name) => name === 'face.onnx').length).toBeLessThanOrEqual(2);
    expect(found.puts).toBeGreaterThan(3);
    expect(found.unhandled).toEqual([]);
  });

  test('errors are typed and name the file', async () => {
    expect(await call('fail', { bundle: '' })).toMatch(/^usage: bundle/);
    expect(await call('fail', { bundle: 'nowhere' })).toMatch(/^offline: .*nowhere\/manifest\.json.*404/);
    expect(await call('fail', { bundle: 'changed', cache: false })).toMatch(/^bundle: .*changed\/face\.onnx/);
    expect(await call('fail', { detector: 'missing.onnx', cache: false })).toMatch(
      /^offline: .*missing\.onnx/,
    );
    expect(await call('fail', { wasm: 'missing.wasm' })).toMatch(/^offline: .*missing\.wasm/);
    const html = /the response is text\/html and begins with “<!doctype html>/;
    const wasm = await call('fail', { wasm: 'index.html' });
    expect(wasm).toMatch(/^offline: http:\S+\/index\.html: is not ONNX Runtime’s WebAssembly/);
    expect(wasm).toMatch(html);
    const detector = await call('fail', { detector: 'index.html', cache: false });
    expect(detector).toMatch(/^format: http:\S+\/index\.html: is not the face detector/);
    expect(detector).toMatch(html);
    expect(await call('fail', { device: 'webgpu' })).toMatch(/^usage: .*WebGPU/);
    expect(await call('aborted')).toMatch(/^interrupted/);
    expect(await call('disposed')).toMatch(/^usage: .*disposed/);
  });

  test('a page’s policy that forbids something is named, with what it lacks', async () => {
    const here = new URL(host.url);
    const elsewhere = `${here.protocol}//127.0.0.1:${here.port}`;
    for (const [policy, options, message] of [
      [
        "script-src 'self'",
        {},
        /^config: http:\S+: its Content-Security-Policy forbids WebAssembly\n.*'wasm-unsafe-eval' to script-src/,
      ],
      [
        "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
        { bundle: `${elsewhere}/model` },
        new RegExp(`^config: ${elsewhere}/model/manifest.json: .*Policy.*\nAdd ${elsewhere} to connect-src`),
      ],
    ] as const) {
      const guarded = await page.context().newPage();
      await guarded.route(host.url, async (route) => {
        const response = await route.fetch();
        await route.fulfill({
          response,
          headers: { ...response.headers(), 'content-security-policy': policy },
        });
      });
      await guarded.goto(host.url);
      await holds(guarded, 'globalThis.harness');
      expect(await guarded.evaluate(`harness.fail(${JSON.stringify(options)})`)).toMatch(message);
      await guarded.close();
    }
  });

  test('a page in the place of the runtime’s own file is named, with its address', async () => {
    const other = await page.context().newPage();
    const html = { contentType: 'text/html', body: '<html>Log in' };
    await other.route('**/*.wasm', (route) => route.fulfill(html));
    await other.goto(host.url);
    await holds(other, 'globalThis.harness');
    expect(await other.evaluate('harness.fail({})')).toMatch(
      /^offline: http:\S+\.wasm: is not ONNX Runtime’s WebAssembly: the response is text\/html and begins with “<html>Log in”/,
    );
    await other.close();
  });

  test('takes WebGPU only where it computes the same', async ({ skip }) => {
    const gpu = await launch(SOFTWARE_WEBGPU);
    try {
      const { page: other } = await openPage(await gpu.newContext(), host.url);
      await holds(other, 'globalThis.harness');
      const adapter = await other.evaluate(
        'navigator.gpu ? navigator.gpu.requestAdapter().then((found) => !!found, () => false) : false',
      );
      skip(!adapter, 'this Chromium has no WebGPU, not even in software');
      for (const device of ['webgpu', 'auto']) {
        const { backend, result } = (await other.evaluate(`harness.backend('${device}', 'I felt fear')`)) as {
          backend: { comparisons: { difference: number; ratio?: number; device: string }[] };
          result: Result;
        };
        expect(recognized(result).label).toBe('fear');
        // Text, face, the detector, and what the decision computes of a text, of a face and of both.
        expect(backend.comparisons).toHaveLength(6);
        for (const { difference, ratio = 2, device: chosen } of backend.comparisons)
          expect(chosen).toBe(difference <= 2e-3 && ratio > 1 ? 'webgpu' : 'wasm');
        expect(backend.comparisons.some(({ ratio }) => ratio !== undefined)).toBe(device === 'auto');
        expect(backend.comparisons.some(({ difference }) => difference <= 2e-3)).toBe(true);
      }
    } finally {
      await gpu.close();
    }
  });
});

/** Looks like a detector from outside. The real one takes a minute on WebGPU without a graphics processor. */
function smallDetector(): Uint8Array {
  const graph = createGraph('detector');
  const image = input(graph, 'image', 'float32', [1, 8, 8, 3]);
  const outputs = [1, 2, 3, 4].map((factor) => [`output${factor}`, mul(image, factor)] as const);
  return encodeModel(graph, Object.fromEntries(outputs));
}

/** As the harness gives it. */
function cornersOf({ width, height, data }: DecodedImage): string {
  const corners = [0, height - 1].flatMap((y) => [0, width - 1].map((x) => 3 * (y * width + x)));
  const said = corners.map((at) => `${Number(data[at]! > 127)}${Number(data[at + 1]! > 127)}`);
  return `${width}×${height} ${said.join(' ')}`;
}

function recognized(result: Result): Recognition {
  if (!isRecognition(result)) throw new Error(result.error.message);
  return result;
}

/** Largest difference of a probability. */
const furthest = (a: Recognition, b: Recognition): number =>
  Math.max(
    ...Object.keys(b.probabilities).map((label) =>
      Math.abs(a.probabilities[label]! - b.probabilities[label]!),
    ),
  );
