// The page in a real browser: words, pictures, with and without camera and network, both themes, two widths, keyboard.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Served, servePage } from 'mien/cli';
import { isRecognition, type Item, loadRecognizer, type Recognition } from 'mien';
import { bar, boxOf, drop, isStored, percent, ready, says, seriousOf, shows } from './page-actions.js';
import {
  buildPage,
  CHROMIUM,
  fakeCamera,
  filmOf,
  launch,
  openPage,
  PHOTOGRAPH,
  servePlainly,
  temporaryFolder,
  WITHOUT_CHROMIUM,
} from './support.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** One thread, since tests run in parallel. */
const SETTINGS = '?threads=1';

describe.skipIf(!CHROMIUM)(`the page${WITHOUT_CHROMIUM}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let built: Awaited<ReturnType<typeof buildPage>>;
  let firstFrame: Buffer;
  let served: Served;
  let browser: Browser;
  /** Shared by all tests that leave no trace, since loading takes long. */
  let shared: { page: Page; problems: string[] };
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    const film = join(folder.path, 'film.mjpeg');
    [built, firstFrame] = await Promise.all([buildPage(folder.path), filmOf(film)]);
    served = await servePage({ ...built, port: 0 });
    browser = await launch(fakeCamera(film));
    shared = await openPage(await browser.newContext(), `${served.url}${SETTINGS}`);
    await ready(shared.page);
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await folder?.remove();
  });
  afterEach(async () => {
    await shared.page.fill('#words', '');
    if (await shared.page.isVisible('#remove')) await shared.page.click('#remove');
    await shared.page.locator('.verdict.none').waitFor();
    for (const context of contexts.splice(0)) await context.close();
  });

  const open = async (
    options: BrowserContextOptions = {},
    url = served.url,
  ): Promise<{ page: Page; context: BrowserContext; problems: string[] }> => {
    const context = await browser.newContext(options);
    contexts.push(context);
    const { page, problems } = await openPage(context, `${url}${SETTINGS}`);
    await ready(page);
    return { page, context, problems };
  };
  const inNode = async (item: Item): Promise<Recognition> => {
    await using recognizer = await loadRecognizer({ bundle: built.model, threads: 1 });
    const result = await recognizer.recognize(item);
    if (!isRecognition(result)) throw new Error(result.error.message);
    return result;
  };

  test('can be used with the keyboard, from the first key on', async () => {
    const { page } = shared;
    const focused = (): Promise<string> =>
      page.evaluate('document.activeElement.id || document.activeElement.className') as Promise<string>;
    const order: string[] = [];
    for (let i = 0; i < 7; i++) {
      await page.keyboard.press('Tab');
      order.push(await focused());
    }
    expect(order).toEqual(['skip', 'words', 'example', 'example', 'example', 'choose', 'camera']);
    await page.setInputFiles('#file', PHOTOGRAPH);
    await page.waitForSelector('.box');
    await page.focus('#remove');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('choose');
  });

  test('recognises a sentence as Node does, and says that the words decided', async () => {
    const { page, problems } = shared;
    await page.fill('#words', 'I felt joy the day');
    const { label, probabilities } = await inNode({ text: 'I felt joy the day' });
    await shows(page, label);
    expect(await page.textContent('#verdict')).toContain(percent(probabilities[label]!));
    expect(await page.textContent('#by')).toBe('The words alone decided.');
    expect(await bar(page, 'joy', 'together')).toBe(percent(probabilities['joy']!));
    expect(await bar(page, 'neutral', 'words')).toBe('–');
    expect(await page.textContent('#spoken')).toContain('joy');
    expect(problems).toEqual([]);
  });

  test('says that a text seems not to be English', async () => {
    const { page } = shared;
    await page.fill('#words', 'Das Wetter ist heute wieder so schlecht wie gestern. joy');
    await page.locator('#notes', { hasText: /English/ }).waitFor();
    await page.fill('#words', 'I felt joy');
    await page.locator('#notes', { hasText: /English/ }).waitFor({ state: 'hidden' });
  });

  test('draws a box around the face of a picture and fuses it with the words as Node does', async () => {
    const { page, problems } = shared;
    await page.setInputFiles('#file', PHOTOGRAPH);
    await page.waitForSelector('.box');
    expect(await page.textContent('#by')).toBe('The face alone decided.');
    await page.fill('#words', 'I felt anger');
    await says(page, 'together');
    const expected = await inNode({ text: 'I felt anger', image: PHOTOGRAPH });
    await shows(page, expected.label);
    for (const [column, of] of [
      ['together', expected],
      ['words', expected.text!],
      ['face', expected.face!],
    ] as const)
      for (const [label, share] of Object.entries(of.probabilities))
        expect(await bar(page, label, column)).toBe(percent(share));
    expect(await page.textContent('#by')).toContain(`the face a weight of ${percent(expected.gate!.mean)}`);
    const { box } = expected.face!.place!;
    const size = 512;
    const place = await boxOf(page);
    expect(place[0]).toBeCloseTo((100 * box.x) / size, 0);
    expect(place[1]).toBeCloseTo((100 * box.y) / size, 0);
    expect(place[2]).toBeCloseTo((100 * box.width) / size, 0);
    await page.click('#remove');
    await says(page, 'words alone');
    expect(await page.locator('.box').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test('accepts a dropped picture, and rejects a file that is not one', async () => {
    const { page } = shared;
    await drop(page, 'notes.txt', 'text/plain', Buffer.from('no picture'));
    await page.waitForSelector('#face-problem:not(:empty)');
    expect(await page.textContent('#face-problem')).toMatch(/cannot read that as a picture/);
    await drop(page, 'photograph.png', 'image/png', await readFile(PHOTOGRAPH));
    await page.waitForSelector('.box');
    expect(await page.textContent('#face-problem')).toBe('');
    // Rotated, with an EXIF orientation that Chromium ignores in WebP: shown as it is recognised.
    const lying = sharp(PHOTOGRAPH).extract({ left: 40, top: 0, width: 400, height: 300 }).rotate(270);
    const turned = await lying.withMetadata({ orientation: 6 }).webp().toBuffer();
    await drop(page, 'turned.webp', 'image/webp', turned);
    const size =
      "(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight])(document.querySelector('#picture'))";
    await expect.poll(() => page.evaluate(size), { timeout: 20_000 }).toEqual([400, 300]);
    await page.waitForSelector('.box');
  });

  test('recognises camera frames live, and releases the camera', async () => {
    const { page, problems } = await open({ permissions: ['camera'] });
    await page.click('#camera');
    await page.waitForSelector('.box');
    await page.waitForSelector('#timeline:not([hidden])');
    expect(await page.textContent('#by')).toBe('The face alone decided.');
    // Mirrored: the left of the film is on the right.
    const { box } = (await inNode({ image: firstFrame })).face!.place!;
    const [left, top, width] = await boxOf(page);
    expect(Math.abs(left! - 100 * (1 - (box.x + box.width) / 640))).toBeLessThan(6);
    expect(Math.abs(top! - (100 * box.y) / 480)).toBeLessThan(4);
    expect(Math.abs(width! - (100 * box.width) / 640)).toBeLessThan(4);
    // The chart is drawn with the next frame.
    await page.locator('#chart[aria-label*="Now: "]').waitFor();
    expect(await page.getAttribute('#chart', 'aria-label')).toMatch(/Now: \w+ \d+/);
    await page.fill('#words', 'I felt fear');
    await says(page, 'together');
    await page.evaluate('window.track = document.querySelector("video").srcObject.getTracks()[0]');
    await page.click('#remove');
    expect(await page.evaluate('window.track.readyState')).toBe('ended');
    expect(await page.isVisible('video')).toBe(false);
    expect(await page.isVisible('#choose')).toBe(true);
    expect(problems).toEqual([]);
  });

  test('works without a camera, and says why it is missing', async () => {
    const { page } = shared;
    await page.click('#camera');
    await page.waitForSelector('#face-problem:not(:empty)');
    expect(await page.textContent('#face-problem')).toMatch(/camera was not allowed/);
    await page.fill('#words', 'I felt sadness');
    await shows(page, 'sadness');
  });

  test('explains an answer by words, shares and a heat map, until the input changes', async () => {
    const { page, problems } = shared;
    await page.fill('#words', 'I felt fear the day');
    await page.setInputFiles('#file', PHOTOGRAPH);
    await says(page, 'together');
    expect(await page.isVisible('#reasons')).toBe(false);
    await page.locator('#ask', { hasText: 'Why fear?' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('#reasons:not([hidden])');
    // The pressed button keeps the focus.
    expect(await page.evaluate('document.activeElement.id')).toBe('ask');
    const weights = (await page.evaluate(
      "[...document.querySelectorAll('.word')].map((word) => [word.firstChild.textContent, word.style.getPropertyValue('--weight')])",
    )) as [string, string][];
    expect(weights.map(([word]) => word)).toEqual(['I', 'felt', 'fear', 'the', 'day']);
    for (const [word, weight] of weights) expect(Number(weight), word).toBe(word === 'fear' ? 1 : 0);
    expect(await page.textContent('#spoken')).toMatch(/came from the words \(\+.*from the face.*“fear” \(\+/);
    expect(await page.locator('.numbers tbody tr', { hasText: 'fear' }).textContent()).toMatch(/\+\d/);
    expect(await page.getAttribute('.face-map canvas', 'aria-label')).toMatch(/evidence for fear: .*mouth/);
    await page.click('#reasons summary');
    await page.evaluate(await readFile(AXE, 'utf8'));
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await seriousOf(page)).toEqual([]);
    }
    await page.fill('#words', 'I felt joy');
    await page.locator('#ask', { hasText: 'Why joy?' }).waitFor();
    expect(await page.isVisible('#reasons')).toBe(false);
    expect(problems).toEqual([]);
  });

  test('stops explaining on request, or when the input changes', async () => {
    const { page, problems } = shared;
    // In one task, so that the worker receives nothing in between.
    for (const [end, left] of [
      ["document.querySelector('#ask').click()", 'Why anger?'],
      ["words.value = 'joy'; words.dispatchEvent(new Event('input'))", 'Why joy?'],
    ] as const) {
      await page.fill('#words', 'I felt anger');
      await page.locator('#ask', { hasText: 'Why anger?' }).waitFor();
      await page.evaluate(`document.querySelector('#ask').click(); ${end}`);
      await page.locator('#ask', { hasText: left }).waitFor();
      expect(await page.isVisible('#working')).toBe(false);
      expect(await page.isVisible('#reasons')).toBe(false);
    }
    expect(problems).toEqual([]);
  });

  test('works offline after the first visit, whatever a captive portal answered before and after', async () => {
    const host = await servePlainly(built.page, '');
    const context = await browser.newContext();
    contexts.push(context);
    const first = await context.newPage();
    host.captured = /\.wasm$/;
    await first.goto(`${host.url}${SETTINGS}`);
    await first.waitForSelector('#fetch:not([hidden])');
    expect(await first.textContent('#progress-label')).toMatch(
      /http:\S+\.wasm: .*WebAssembly: the response is text\/html and begins with “<!DOCTYPE/,
    );
    host.captured = undefined;
    await first.click('#fetch');
    await isStored(first);
    await first.close();
    // Everything but the page itself, in whose place the user would see the portal.
    host.captured = /^\/./;
    const requested: string[] = [];
    context.on('request', (request) => requested.push(request.url()));
    const { page, problems } = await openPage(context, `${host.url}${SETTINGS}`);
    await ready(page);
    expect(requested.filter((url) => url.endsWith('.onnx') && url.includes('/model/'))).toEqual([]);
    await host.close();
    await page.reload();
    await ready(page);
    await page.fill('#words', 'I felt disgust');
    await shows(page, 'disgust');
    await page.setInputFiles('#file', PHOTOGRAPH);
    await page.waitForSelector('.box');
    await page.click('#ask');
    await page.waitForSelector('#reasons:not([hidden])');
    expect(problems).toEqual([]);
  });

  test('has threads from the second visit, under any path of a host that sends no headers', async () => {
    const host = await servePlainly(built.page, '/some/where');
    const { page, problems } = await open({}, `${host.url}some/where/`);
    expect(await page.evaluate('crossOriginIsolated')).toBe(false);
    await isStored(page);
    await page.reload();
    await ready(page);
    expect(await page.evaluate('crossOriginIsolated')).toBe(true);
    await page.fill('#words', 'joy');
    await shows(page, 'joy');
    expect(problems).toEqual([]);
    await host.close();
  });

  test('runs on WebAssembly without WebGPU, and reports that if WebGPU is requested', async () => {
    expect(await shared.page.textContent('#progress-label')).toMatch(/on WebAssembly with one thread/);
    const other = await shared.page.context().newPage();
    await other.goto(`${served.url}?device=webgpu`);
    await other.waitForSelector('#fetch:not([hidden])');
    expect(await other.textContent('#progress-label')).toMatch(/WebGPU is not available/);
    await other.close();
  });

  test('shows progress, reports what cannot be fetched, and retries', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    contexts.push(context);
    let broken = true;
    await context.route('**/model/text.onnx', async (route) => {
      if (!broken) return route.continue();
      await new Promise((resolve) => setTimeout(resolve, 500));
      return route.fulfill({ status: 500 });
    });
    const page = await context.newPage();
    await page.goto(`${served.url}${SETTINGS}`);
    await page.locator('#progress-label', { hasText: /Loading the model: [\d.]+ of [\d.]+ MB/ }).waitFor();
    await page.waitForSelector('#fetch:not([hidden])');
    expect(await page.textContent('#progress-label')).toMatch(/could not be loaded.*text\.onnx.*status 500/s);
    broken = false;
    await page.click('#fetch');
    await ready(page);
  });

  describe.each([
    ['a desk', 1280, 900],
    ['a phone', 360, 740],
  ])('on %s', (_name, width, height) => {
    test.each(['light', 'dark'] as const)(
      'axe finds no serious problem in the %s theme',
      async (colorScheme) => {
        const { page } = shared;
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.evaluate(await readFile(AXE, 'utf8'));
        expect(await seriousOf(page)).toEqual([]);
        await page.fill('#words', 'I felt shame');
        await page.setInputFiles('#file', PHOTOGRAPH);
        await page.waitForSelector('.box');
        await says(page, 'together');
        expect(await seriousOf(page)).toEqual([]);
        const beyond = 'document.scrollingElement.scrollWidth - innerWidth';
        expect(await page.evaluate(beyond)).toBeLessThanOrEqual(0);
      },
    );
  });

  test('removes stored files on request', async () => {
    const { page } = shared;
    expect(await page.evaluate('caches.keys()')).not.toEqual([]);
    await page.click('#forget');
    await page.locator('#kept', { hasText: 'removed' }).waitFor();
    expect(await page.evaluate('caches.keys()')).toEqual([]);
    expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0);
  });
});
