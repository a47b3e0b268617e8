// The page with voices in a real browser: a microphone that hears a file, is denied or unplugged; sound and video files.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Served, servePage } from 'mien/cli';
import { isRecognition, type Item, loadRecognizer, type Recognition } from 'mien';
import { writeLegible } from '../support/bundle.js';
import { recordingOf, wavOf, writeVoiced } from '../support/voice.js';
import { bar, drop, holds, percent, ready, says, seriousOf, shows } from './page-actions.js';
import {
  buildPage,
  CHROMIUM,
  fakeMicrophone,
  launch,
  openPage,
  PHOTOGRAPH,
  temporaryFolder,
  WITHOUT_CHROMIUM,
} from './support.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SETTINGS = '?threads=1';
const RATE = 48_000;

/** A high voice and a low one, with pauses around them. */
const VOICES = [
  { label: 'joy', start: 0.6, end: 2.2 },
  { label: 'sadness', start: 3.6, end: 5.2 },
] as const;
const SECONDS = 6.4;

/** Keeps the tracks that the page gets, and refuses them with `window.refusal`. */
const KEEP_TRACKS = `{
  const { mediaDevices } = navigator;
  const open = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (constraints) => {
    if (window.refusal) throw new DOMException('', window.refusal);
    const stream = await open(constraints);
    window.track = stream.getTracks()[0];
    return stream;
  };
}`;

describe.skipIf(!CHROMIUM)(`voices on the page${WITHOUT_CHROMIUM}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let built: Awaited<ReturnType<typeof buildPage>>;
  let wav: Buffer;
  let served: Served;
  let browser: Browser;
  /** Shared by all tests, since loading takes long. */
  let page: Page;
  let problems: string[];
  let context: BrowserContext;

  beforeAll(async () => {
    folder = await temporaryFolder();
    built = await buildPage(folder.path, writeVoiced);
    wav = wavOf(recordingOf(SECONDS, VOICES, RATE), RATE);
    await writeFile(join(folder.path, 'voices.wav'), wav);
    served = await servePage({ ...built, port: 0 });
    browser = await launch(fakeMicrophone(join(folder.path, 'voices.wav')));
    // A service worker would fetch what tests want to fail.
    context = await browser.newContext({ serviceWorkers: 'block' });
    await context.addInitScript(KEEP_TRACKS);
    ({ page, problems } = await openPage(context, `${served.url}${SETTINGS}`));
    await ready(page);
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await folder?.remove();
  });
  afterEach(async () => {
    if (await page.isVisible('#remove')) await page.click('#remove');
    if (await page.isVisible('#unhear')) await page.click('#unhear');
    await page.fill('#words', '');
    await page.locator('.verdict.none').waitFor();
    await context.clearPermissions();
  });

  const inNode = async (item: Item): Promise<Recognition> => {
    await using recognizer = await loadRecognizer({ bundle: built.model, threads: 1 });
    const result = await recognizer.recognize(item);
    if (!isRecognition(result)) throw new Error(result.error.message);
    return result;
  };
  const heard = (): Promise<string[]> => page.locator('#heard li').allTextContents();
  const spans = async (): Promise<string[][]> =>
    (await page.evaluate(
      "[...document.querySelectorAll('#span-table tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))",
    )) as string[][];
  const secondsOf = (clock: string): number => {
    const [minutes, seconds] = clock.split(':').map(Number);
    return 60 * minutes! + seconds!;
  };

  test('says so if the file of voices cannot be fetched, and hears once it can', async () => {
    await context.grantPermissions(['microphone']);
    await page.route('**/model/voice.onnx', (route) => route.fulfill({ status: 500 }));
    await page.click('#microphone');
    await page.locator('#voice-problem', { hasText: /voice\.onnx.*status 500/ }).waitFor();
    expect(await page.textContent('#microphone')).toBe('Turn on the microphone');
    await page.unroute('**/model/voice.onnx');
    await page.click('#microphone');
    await page.locator('#voice-state', { hasText: 'Listening' }).waitFor();
    await page.click('#microphone');
    // The browser reports the failure as well.
    expect(problems.splice(0)).toHaveLength(1);
  });

  test('hears utterances, shows their bars, and weighs words, face and voice', async () => {
    await context.grantPermissions(['microphone']);
    await page.click('#microphone');
    await page.locator('#heard li').nth(1).waitFor({ timeout: 40_000 });
    const labels = (await heard()).map((item) => item.split(' ')[0]);
    expect([...labels].sort()).toEqual(['joy', 'sadness']);
    expect(await page.textContent('#verdict')).toContain(labels[0]);
    expect(await page.textContent('#by')).toBe('The voice alone decided.');
    expect(await bar(page, labels[0]!, 'voice')).toBe(await bar(page, labels[0]!, 'together'));
    expect(await bar(page, 'guilt', 'voice')).toBe('–');
    expect(await page.textContent('#spoken')).toContain(labels[0]);
    expect(Number(await page.getAttribute('#level', 'aria-valuenow'))).toBeGreaterThan(-60);
    await page.click('#microphone');
    expect(await page.textContent('#microphone')).toBe('Turn on the microphone');
    expect(await page.isVisible('#level')).toBe(false);
    // What was heard remains.
    await page.fill('#words', 'I felt fear');
    await says(page, 'Words and voice decided together.');
    await page.setInputFiles('#file', PHOTOGRAPH);
    await says(
      page,
      `the gate gave the words a weight of ${percent(0.5)}, the face a weight of ${percent(0.3)} and the voice a weight of ${percent(0.2)}`,
    );
    expect(await page.locator('#gate .weight').allTextContents()).toEqual(['words', 'face', 'voice']);
    await page.click('#ask');
    await page.waitForSelector('#reasons:not([hidden])');
    expect(await page.textContent('#spoken')).toMatch(
      /from the words .*, .*from the face .*, .*from the voice/,
    );
    await page.click('#remove');
    await page.fill('#words', '');
    await page.click('#unhear');
    await page.locator('.verdict.none').waitFor();
    expect(await heard()).toEqual([]);
    expect(problems).toEqual([]);
  });

  test('says that the microphone was unplugged, releases it, and answers what was said until then', async () => {
    await context.grantPermissions(['microphone']);
    await page.click('#microphone');
    await page.locator('#voice-state', { hasText: 'Listening' }).waitFor();
    // While somebody speaks.
    await holds(page, "document.querySelector('#level').style.getPropertyValue('--level') > 0.6");
    // Long enough for the detector of activity to find speech.
    await page.waitForTimeout(1300);
    await page.evaluate("window.track.dispatchEvent(new Event('ended'))");
    await page.locator('#voice-problem', { hasText: 'unplugged or turned off' }).waitFor();
    await page.locator('#heard li').first().waitFor();
    expect(await page.evaluate('window.track.readyState')).toBe('ended');
    expect(await page.textContent('#microphone')).toBe('Turn on the microphone');
    expect(await page.isVisible('#level')).toBe(false);
    await page.click('#microphone');
    await page.locator('#voice-state', { hasText: 'Listening' }).waitFor();
    expect(await page.textContent('#voice-problem')).toBe('');
    await page.click('#microphone');
    expect(problems).toEqual([]);
  });

  test('works without a microphone, and says why it is missing', async () => {
    await page.click('#microphone');
    await page.locator('#voice-problem', { hasText: 'microphone was not allowed' }).waitFor();
    await page.evaluate("window.refusal = 'NotFoundError'");
    await page.click('#microphone');
    await page.locator('#voice-problem', { hasText: 'No microphone was found' }).waitFor();
    await page.evaluate('window.refusal = undefined');
    expect(await page.isEnabled('#microphone')).toBe(true);
    await page.fill('#words', 'I felt sadness');
    await shows(page, 'sadness');
  });

  test('does not offer a microphone if the model hears no voices, and says why', async () => {
    const model = join(folder.path, 'deaf');
    await writeLegible(model);
    const deaf = await servePage({ page: built.page, model, port: 0 });
    const { page, problems } = await openPage(await browser.newContext(), `${deaf.url}${SETTINGS}`);
    await ready(page);
    expect(await page.isVisible('#microphone')).toBe(false);
    expect(await page.textContent('#voice-missing')).toMatch(/hears no voices/);
    expect(await page.locator('#bars thead th').count()).toBe(4);
    await drop(page, 'voices.wav', 'audio/wav', wav);
    await page.locator('#face-problem', { hasText: 'hears no voices' }).waitFor();
    await page.fill('#words', 'I felt joy');
    await shows(page, 'joy');
    expect(problems).toEqual([]);
    await page.close();
    await deaf.close();
  });

  test('shows what a dropped sound file tells over time, as chart and as table', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await drop(page, 'voices.wav', 'audio/wav', wav);
    await page.locator('#recording-summary', { hasText: 'Voice: mostly' }).waitFor();
    expect(await page.textContent('#spoken')).toContain('Voice: mostly');
    const [lane, ...rows] = await spans();
    expect(lane).toEqual(['Voice']);
    expect(rows.map(([, , label]) => label)).toEqual(['joy', 'sadness']);
    rows.forEach(([from, to], i) => {
      // A segment has some of the pause on either side.
      expect(Math.abs(secondsOf(from!) - VOICES[i]!.start)).toBeLessThan(0.5);
      expect(Math.abs(secondsOf(to!) - VOICES[i]!.end)).toBeLessThan(0.5);
    });
    await shows(page, 'joy');
    // What is said at the time that is played.
    await page.evaluate("document.querySelector('#film').currentTime = 4.5");
    await shows(page, 'sadness');
    await page.evaluate("document.querySelector('#film').currentTime = 2.9");
    await says(page, 'Nobody is seen or heard at 2.9 s.');
    await page.click('#lane-rows canvas', { position: { x: 230, y: 20 } });
    await shows(page, 'sadness');
    expect(await page.getAttribute('#lane-rows canvas', 'aria-label')).toMatch(/Voice, over 0:06\.4: mostly/);
    await page.click('#spans summary');
    await page.evaluate(await readFile(AXE, 'utf8'));
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await seriousOf(page)).toEqual([]);
    }
    expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    await page.click('#remove');
    expect(await page.isVisible('#microphone')).toBe(true);
    expect(await page.evaluate('document.activeElement.id')).toBe('choose-recording');
    expect(problems).toEqual([]);
  });

  test('shows face, voice and both of a dropped video', async () => {
    const video = Buffer.from(await recordVideo(page, await readFile(PHOTOGRAPH), wav), 'base64');
    await drop(page, 'video.webm', 'video/webm', video);
    await page.locator('#recording-summary', { hasText: 'Face: mostly' }).waitFor({ timeout: 40_000 });
    const lanes = (await spans()).filter((row) => row.length === 1).flat();
    expect(lanes).toEqual(['Together', 'Face', 'Voice']);
    await page.waitForSelector('.box');
    await page.evaluate("document.querySelector('#film').currentTime = 1.4");
    await says(page, 'Face and voice decided together.');
    const face = await inNode({ image: PHOTOGRAPH });
    expect(await page.locator('#lane-rows canvas').nth(1).getAttribute('aria-label')).toContain(
      `mostly ${face.label}`,
    );
    // Read anew at another rate.
    await page.selectOption('#frame-rate', '1');
    await page.locator('#reading').waitFor({ state: 'hidden' });
    await page.locator('#recording-summary', { hasText: 'Face: mostly' }).waitFor({ timeout: 40_000 });
    expect(problems).toEqual([]);
  });

  test('says what is wrong with a file that is no recording', async () => {
    await drop(page, 'clip.mp4', 'video/mp4', Buffer.from('no video'));
    await page.locator('#face-problem', { hasText: 'cannot read that as a recording' }).waitFor();
    await drop(page, 'silence.wav', 'audio/wav', wavOf(new Float32Array(RATE), RATE));
    await page.locator('#face-problem', { hasText: 'The recording is silent' }).waitFor();
    expect(await page.isVisible('#words')).toBe(true);
    expect(await page.isVisible('#film')).toBe(false);
    expect(problems).toEqual([]);
  });
});

/** Records the first seconds of a sound beside a picture, as the browser's own recorder does: without stating its length. */
const recordVideo = (page: Page, picture: Buffer, sound: Buffer): Promise<string> =>
  page.evaluate(`(async () => {
    const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytesOf('${picture.toString('base64')}')]));
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 320 });
    const draw = () => canvas.getContext('2d').drawImage(picture, 0, 0, 320, 320);
    const context = new AudioContext();
    const buffer = await context.decodeAudioData(bytesOf('${sound.toString('base64')}').buffer);
    const source = Object.assign(context.createBufferSource(), { buffer });
    const output = context.createMediaStreamDestination();
    source.connect(output);
    const stream = canvas.captureStream(10);
    stream.addTrack(output.stream.getAudioTracks()[0]);
    const recorder = new MediaRecorder(stream, { mimeType: 'video/webm' });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    source.start();
    const drawing = setInterval(draw, 50);
    await new Promise((resolve) => setTimeout(resolve, 2600));
    clearInterval(drawing);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.stop();
    await stopped;
    await context.close();
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  })()`) as Promise<string>;
